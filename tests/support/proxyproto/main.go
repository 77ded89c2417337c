// Reads and writes PROXY headers with another implementation: a JSON object a line in, one out. Judges nothing itself.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"
)

type field struct {
	Type  byte   `json:"type"`
	Value string `json:"value"`
}

type tls struct {
	Active       bool   `json:"active"`
	OnConnection bool   `json:"onConnection"`
	InSession    bool   `json:"inSession"`
	Verified     bool   `json:"verified"`
	Version      string `json:"version"`
	CommonName   string `json:"commonName"`
}

// What a header says, or what is wrong with it. As a request: Hex is to be read, or else the rest is to be written.
type header struct {
	Hex         string  `json:"hex,omitempty"`
	Error       string  `json:"error,omitempty"`
	Version     byte    `json:"version,omitempty"`
	Local       bool    `json:"local,omitempty"`
	Transport   byte    `json:"transport,omitempty"`
	Source      string  `json:"source,omitempty"`
	Destination string  `json:"destination,omitempty"`
	Fields      []field `json:"fields,omitempty"`
	TLS         *tls    `json:"tls,omitempty"`
	Rest        string  `json:"rest,omitempty"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var request header
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			panic(err)
		}
		answer, err := serve(request)
		if err != nil {
			answer = header{Error: err.Error()}
		}
		if err := out.Encode(answer); err != nil {
			panic(err)
		}
	}
}

func serve(request header) (header, error) {
	if request.Hex == "" {
		return write(request)
	}
	raw, err := hex.DecodeString(request.Hex)
	if err != nil {
		return header{}, err
	}
	return read(raw)
}

func read(raw []byte) (header, error) {
	reader := bufio.NewReaderSize(bytes.NewReader(raw), 1<<17)
	read, err := proxyproto.Read(reader)
	if err != nil {
		return header{}, err
	}
	answer := header{Version: read.Version, Local: read.Command.IsLocal(), Transport: byte(read.TransportProtocol)}
	if read.SourceAddr != nil && read.DestinationAddr != nil {
		answer.Source, answer.Destination = read.SourceAddr.String(), read.DestinationAddr.String()
	}
	tlvs, err := read.TLVs()
	if err != nil {
		return header{}, err
	}
	for _, tlv := range tlvs {
		answer.Fields = append(answer.Fields, field{byte(tlv.Type), hex.EncodeToString(tlv.Value)})
	}
	if ssl, ok := tlvparse.FindSSL(tlvs); ok {
		version, _ := ssl.SSLVersion()
		name, _ := ssl.ClientCN()
		answer.TLS = &tls{ssl.ClientSSL(), ssl.ClientCertConn(), ssl.ClientCertSess(), ssl.Verified(), version, name}
	}
	rest := make([]byte, reader.Buffered())
	if _, err := reader.Read(rest); err == nil {
		answer.Rest = hex.EncodeToString(rest)
	}
	return answer, nil
}

func write(request header) (header, error) {
	command := proxyproto.PROXY
	if request.Local {
		command = proxyproto.LOCAL
	}
	transport := proxyproto.AddressFamilyAndProtocol(request.Transport)
	made := proxyproto.Header{Version: request.Version, Command: command, TransportProtocol: transport}
	if transport.IsUnix() {
		made.SourceAddr = &net.UnixAddr{Net: "unix", Name: request.Source}
		made.DestinationAddr = &net.UnixAddr{Net: "unix", Name: request.Destination}
	} else if request.Source != "" {
		source, err := net.ResolveTCPAddr("tcp", request.Source)
		if err != nil {
			return header{}, err
		}
		destination, err := net.ResolveTCPAddr("tcp", request.Destination)
		if err != nil {
			return header{}, err
		}
		made.SourceAddr, made.DestinationAddr = source, destination
	}
	var tlvs []proxyproto.TLV
	for _, field := range request.Fields {
		value, err := hex.DecodeString(field.Value)
		if err != nil {
			return header{}, err
		}
		tlvs = append(tlvs, proxyproto.TLV{Type: proxyproto.PP2Type(field.Type), Value: value})
	}
	if len(tlvs) > 0 {
		if err := made.SetTLVs(tlvs); err != nil {
			return header{}, err
		}
	}
	raw, err := made.Format()
	return header{Hex: hex.EncodeToString(raw)}, err
}
