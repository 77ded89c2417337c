// A Varlink client of github.com/varlink/go for tests: one call, or a definition taken apart. Knows no service.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/varlink/go/varlink"
	"github.com/varlink/go/varlink/idl"
)

// One line of standard output for each reply.
type reply struct {
	Parameters json.RawMessage `json:"parameters,omitempty"`
	Continues  bool            `json:"continues,omitempty"`
	Error      string          `json:"error,omitempty"`
}

// What the library's parser finds in a definition.
type definition struct {
	Name    string              `json:"name"`
	Methods map[string][]string `json:"methods"`
	Errors  []string            `json:"errors"`
	Types   []string            `json:"types"`
}

func main() {
	if len(os.Args) < 4 {
		fail("usage: varlink ADDRESS METHOD PARAMETERS [more|oneway], varlink ADDRESS info -, varlink ADDRESS describe INTERFACE")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	connection, err := varlink.NewConnection(ctx, os.Args[1])
	if err != nil {
		fail(err)
	}
	defer connection.Close()
	switch os.Args[2] {
	case "info":
		var vendor, product, version, url string
		var interfaces []string
		if err := connection.GetInfo(ctx, &vendor, &product, &version, &url, &interfaces); err != nil {
			fail(err)
		}
		print(map[string]any{"vendor": vendor, "product": product, "version": version, "interfaces": interfaces})
	case "describe":
		text, err := connection.GetInterfaceDescription(ctx, os.Args[3])
		if err != nil {
			fail(err)
		}
		parsed, err := idl.New(text)
		if err != nil {
			fail(err)
		}
		print(definitionOf(parsed))
	default:
		call(ctx, connection)
	}
}

func call(ctx context.Context, connection *varlink.Connection) {
	var flags uint64
	if len(os.Args) > 4 && os.Args[4] == "more" {
		flags = varlink.More
	} else if len(os.Args) > 4 && os.Args[4] == "oneway" {
		flags = varlink.Oneway
	}
	receive, err := connection.Send(ctx, os.Args[2], json.RawMessage(os.Args[3]), flags)
	if err != nil {
		fail(err)
	}
	for flags != varlink.Oneway {
		var parameters json.RawMessage
		answered, err := receive(ctx, &parameters)
		if err != nil {
			print(errorOf(err))
			return
		}
		print(reply{Parameters: parameters, Continues: answered&varlink.Continues != 0})
		if answered&varlink.Continues == 0 {
			return
		}
	}
}

// The library turns the errors of every service into types of its own.
func errorOf(err error) reply {
	var other *varlink.Error
	if errors.As(err, &other) {
		raw, _ := other.Parameters.(*json.RawMessage)
		if raw == nil {
			return reply{Error: other.Name}
		}
		return reply{Error: other.Name, Parameters: *raw}
	}
	parameters, marshalled := json.Marshal(err)
	switch err.(type) {
	case *varlink.InterfaceNotFound, *varlink.MethodNotFound, *varlink.MethodNotImplemented, *varlink.InvalidParameter:
		if marshalled == nil {
			return reply{Error: err.Error(), Parameters: parameters}
		}
	}
	fail(err)
	return reply{}
}

func definitionOf(parsed *idl.IDL) definition {
	found := definition{Name: parsed.Name, Methods: map[string][]string{}}
	for _, method := range parsed.Methods {
		in, out := []string{}, []string{}
		for _, field := range method.In.Fields {
			in = append(in, field.Name)
		}
		for _, field := range method.Out.Fields {
			out = append(out, field.Name)
		}
		found.Methods[method.Name] = append(append(in, "->"), out...)
	}
	for _, one := range parsed.Errors {
		found.Errors = append(found.Errors, one.Name)
	}
	for _, one := range parsed.Aliases {
		found.Types = append(found.Types, one.Name)
	}
	sort.Strings(found.Errors)
	sort.Strings(found.Types)
	return found
}

func print(value any) {
	line, err := json.Marshal(value)
	if err != nil {
		fail(err)
	}
	fmt.Println(string(line))
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, reason)
	os.Exit(1)
}
