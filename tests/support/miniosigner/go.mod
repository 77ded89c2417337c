module portail.test/miniosigner

go 1.18

require github.com/minio/minio-go/v7 v7.0.63

require (
	github.com/klauspost/cpuid/v2 v2.2.5 // indirect
	github.com/minio/md5-simd v1.1.2 // indirect
	golang.org/x/sys v0.11.0 // indirect
)
