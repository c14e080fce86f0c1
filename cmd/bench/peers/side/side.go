// Package side is the second port of every server that is compared.
package side

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	_ "net/http/pprof" // on http.DefaultServeMux
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// The flags that every server has.
var (
	Addr   = flag.String("addr", "127.0.0.1:9001", "where to serve sockets")
	addr   = flag.String("side", "127.0.0.1:9002", "where to serve /free, /stats and /debug/pprof")
	Secret = flag.String("secret", "secret-of-the-bench-0123456789abcdef", "the HS256 secret of the tokens")
)

// Serve serves /stats (goroutines), /free (gives unused memory back) and profiles.
func Serve() {
	http.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]int{"goroutines": runtime.NumGoroutine()})
	})
	http.HandleFunc("GET /free", func(http.ResponseWriter, *http.Request) { debug.FreeOSMemory() })
	server := &http.Server{Addr: *addr, ReadHeaderTimeout: 10 * time.Second}
	go func() { Fail(server.ListenAndServe()) }()
}

// Fail ends the program.
func Fail(err error) {
	if err == nil {
		err = errors.New("ended")
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
