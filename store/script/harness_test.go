package script_test

import (
	"os"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }
