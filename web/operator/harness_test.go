package operator_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/uuid"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// withID returns a JSON object with a command_id, new each time, beside the members given.
func withID(members string) string {
	if members != "" {
		members += ","
	}
	return fmt.Sprintf(`{%s"command_id":%q}`, members, uuid.NewString())
}

// reason is a body of nothing but a reason.
const reason = `{"reason":"a test"}`
