package web_test

import (
	"os"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestMain gives the tests a PostgreSQL.
func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(greedyEnv); ok { // BenchmarkForeignLoad starts this program as a casino's clients
		os.Exit(beGreedy(text))
	}
	os.Exit(storetest.Main(m))
}
