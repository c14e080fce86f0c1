package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
)

func TestTroubleAtTheStartIsASentenceAndAFailure(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"port taken":      {[]string{"dev", "--listen", taken.Addr().String()}, nil, "is taken by another program"},
		"no PostgreSQL":   {[]string{"dev", "--listen", "127.0.0.1:0", "--admin-listen", ""}, map[string]string{"PITBOSS_PG_BIN": t.TempDir()}, "PITBOSS_PG_BIN"},
		"no database":     {[]string{"tenant", "list"}, nil, "start 'pitboss dev' in this folder first"},
		"no master key":   {[]string{"tenant", "list"}, map[string]string{"PITBOSS_ADMIN_DATABASE_URL": "postgres://x@127.0.0.1:1/x"}, "PITBOSS_MASTER_KEY"},
		"bad master key":  {[]string{"tenant", "list", "--master-key", "abc"}, map[string]string{"PITBOSS_ADMIN_DATABASE_URL": "postgres://x@127.0.0.1:1/x"}, "not 32 bytes"},
		"unknown command": {[]string{"fly"}, nil, "unexpected argument fly"},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			var said bytes.Buffer
			err := run(soon(t), append(c.args, "--dir", openDir(t)), streams{io.Discard, &said}, seams{})
			if err == nil {
				t.Fatal("no failure")
			}
			if text := said.String() + err.Error(); !strings.Contains(text, c.want) {
				t.Errorf("said %q, which lacks %q", text, c.want)
			}
		})
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	var out bytes.Buffer
	if err := run(context.Background(), []string{"--help"}, streams{&out, &out}, seams{}); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"dev", "cluster", "serve", "migrate", "tenant create", "tenant trial-balance", "room open", "node list", "token", "health"} {
		if !strings.Contains(out.String(), command) {
			t.Errorf("no %q in:\n%s", command, out.String())
		}
	}
}
