module portail.test/goproxy

go 1.18
