// Signs uploads in frames with another implementation: a JSON object a line in, one out. Judges nothing itself.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
)

type order struct {
	URL     string            `json:"url"`
	Body    []byte            `json:"body"`
	Trailer map[string]string `json:"trailer"`
	Signed  bool              `json:"signed"`
	Key     string            `json:"key"`
	Secret  string            `json:"secret"`
	Token   string            `json:"token"`
	Region  string            `json:"region"`
}

type answer struct {
	Headers http.Header `json:"headers"`
	Body    []byte      `json:"body"`
}

type hasher struct{ hash.Hash }

func (hasher) Close() {}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var given order
		must(json.Unmarshal(lines.Bytes(), &given))
		must(out.Encode(sign(given)))
	}
	must(lines.Err())
}

func sign(given order) answer {
	request, err := http.NewRequest("PUT", given.URL, bytes.NewReader(given.Body))
	must(err)
	trailer := http.Header{}
	for name, value := range given.Trailer {
		trailer.Set(name, value)
	}
	if given.Signed {
		if len(trailer) > 0 {
			request.Trailer = trailer
		}
		length := int64(len(given.Body))
		request = signer.StreamingSignV4(request, given.Key, given.Secret, given.Token, given.Region, length, time.Now().UTC(), hasher{sha256.New()})
	} else {
		request.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		request = signer.SignV4Trailer(*request, given.Key, given.Secret, given.Token, given.Region, trailer)
	}
	body, err := io.ReadAll(request.Body)
	must(err)
	return answer{request.Header, body}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
