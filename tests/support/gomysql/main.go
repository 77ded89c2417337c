// A MySQL server of the library vitess that demands client certificates and knows caching_sha2_password:
// `gomysql ADDRESS CERT KEY CLIENT_CA METHOD`, with the method that its greeting names. The user app has the password secret; every
// query is answered with the subject of the client's certificate. It says of each password that it was sent "full", and of
// each client whose password it had in its cache "fast".
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"

	"github.com/dolthub/vitess/go/mysql"
	"github.com/dolthub/vitess/go/sqltypes"
	querypb "github.com/dolthub/vitess/go/vt/proto/query"
	"github.com/dolthub/vitess/go/vt/sqlparser"
)

type account struct{}

func (account) Get() *querypb.VTGateCallerID { return &querypb.VTGateCallerID{Username: "app"} }

// It has the password in its cache once a client has sent it.
type storage struct{ cached []byte }

func (s *storage) UserEntryWithCacheHash(_ []*x509.Certificate, salt []byte, _ string, answer []byte, _ net.Addr) (mysql.Getter, mysql.CacheState, error) {
	if s.cached == nil || !mysql.VerifyHashedCachingSha2Password(answer, salt, s.cached) {
		return nil, mysql.AuthNeedMoreData, nil
	}
	fmt.Println("fast")
	return account{}, mysql.AuthAccepted, nil
}

func (s *storage) UserEntryWithPassword(_ []*x509.Certificate, user string, password string, _ net.Addr) (mysql.Getter, error) {
	fmt.Println("full")
	if password != "secret" {
		return nil, mysql.NewSQLError(mysql.ERAccessDeniedError, mysql.SSAccessDeniedError, "Access denied for user '%v'", user)
	}
	once := sha256.Sum256([]byte(password))
	twice := sha256.Sum256(once[:])
	s.cached = twice[:]
	return account{}, nil
}

func (s *storage) HandleUser(user string, _ net.Addr) bool { return user == "app" }

func (s *storage) AuthMethods() []mysql.AuthMethod {
	return []mysql.AuthMethod{mysql.NewSha2CachingAuthMethod(s, s, s)}
}

func (s *storage) DefaultAuthMethodDescription() mysql.AuthMethodDescription {
	return mysql.AuthMethodDescription(os.Args[5])
}

type handler struct{}

func (handler) NewConnection(*mysql.Conn)                   {}
func (handler) ConnectionClosed(*mysql.Conn)                {}
func (handler) ConnectionAborted(*mysql.Conn, string) error { return nil }
func (handler) ComInitDB(*mysql.Conn, string) error         { return nil }
func (handler) WarningCount(*mysql.Conn) uint16             { return 0 }
func (handler) ComResetConnection(*mysql.Conn) error        { return nil }
func (handler) ComPrepare(context.Context, *mysql.Conn, string, *mysql.PrepareData) ([]*querypb.Field, error) {
	return nil, nil
}
func (handler) ComStmtExecute(context.Context, *mysql.Conn, *mysql.PrepareData, func(*sqltypes.Result) error) error {
	return nil
}
func (handler) ParserOptionsForConnection(*mysql.Conn) (sqlparser.ParserOptions, error) {
	return sqlparser.ParserOptions{}, nil
}

func (handler) ComQuery(_ context.Context, c *mysql.Conn, _ string, spool mysql.ResultSpoolFn) error {
	subject := c.GetTLSClientCerts()[0].Subject.String()
	return spool(&sqltypes.Result{
		Fields: []*querypb.Field{{Name: "client", Type: querypb.Type_VARCHAR, Charset: mysql.CharacterSetUtf8}},
		Rows:   [][]sqltypes.Value{{sqltypes.NewVarChar(subject)}},
	}, false)
}

func (h handler) ComMultiQuery(ctx context.Context, c *mysql.Conn, query string, spool mysql.ResultSpoolFn) (string, error) {
	return "", h.ComQuery(ctx, c, query, spool)
}

func main() {
	pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	check(err)
	pem, err := os.ReadFile(os.Args[4])
	check(err)
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(pem)
	listener, err := mysql.NewListener("tcp", os.Args[1], &storage{}, handler{}, 0, 0)
	check(err)
	listener.TLSConfig = &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientCAs:    clients,
		ClientAuth:   tls.RequireAndVerifyClientCert,
	}
	listener.RequireSecureTransport = true
	fmt.Println("listening")
	listener.Accept()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
