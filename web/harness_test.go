package web

import (
	"os"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

// TestMain gives the tests of web_test a PostgreSQL.
func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
