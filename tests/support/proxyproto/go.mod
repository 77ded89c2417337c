module portail.test/proxyproto

go 1.18

require github.com/pires/go-proxyproto v0.7.0
