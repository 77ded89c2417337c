// Connects with crypto/tls: gotls PORT NAME CA-FILE ID... prints the protocol id that was agreed upon, or why there is none.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	pem, err := os.ReadFile(os.Args[3])
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	config := &tls.Config{ServerName: os.Args[2], RootCAs: pool, NextProtos: os.Args[4:]}
	conn, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[1], config)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Printf("agreed: %q\n", conn.ConnectionState().NegotiatedProtocol)
	conn.Close()
}
