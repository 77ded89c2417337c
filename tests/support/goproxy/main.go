// A CONNECT proxy over TLS of Go's net/http: `goproxy PORT CERT KEY [2|1.1]`, which says what it negotiates, both by default.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
)

func tunnel(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	_, port, _ := net.SplitHostPort(r.Host)
	if port == "1" {
		http.Error(w, "not there", http.StatusForbidden)
		return
	}
	target, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer target.Close()
	fmt.Fprintf(os.Stdout, "%s\n", r.Proto)
	if r.ProtoMajor == 1 {
		client, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer client.Close()
		io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			io.Copy(target, buffered)
			target.(*net.TCPConn).CloseWrite()
		}()
		io.Copy(client, target)
		return
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	go func() {
		io.Copy(target, r.Body)
		target.(*net.TCPConn).CloseWrite()
	}()
	chunk := make([]byte, 32*1024)
	for {
		n, err := target.Read(chunk)
		if n > 0 {
			if _, failed := w.Write(chunk[:n]); failed != nil {
				return
			}
			w.(http.Flusher).Flush()
		}
		if err != nil {
			return
		}
	}
}

func main() {
	server := &http.Server{Addr: "127.0.0.1:" + os.Args[1], Handler: http.HandlerFunc(tunnel), TLSConfig: &tls.Config{}}
	if len(os.Args) > 4 && os.Args[4] == "1.1" {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	}
	log.Fatal(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
}
