package storetest_test

import (
	"os"
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

func TestADurableClusterWaitsForTheDiskUntilTheTestEnds(t *testing.T) {
	d := storetest.Empty(t)
	fsync := func(t *testing.T) (is string) {
		if err := storetest.Connect(t, d.AdminURL).QueryRow(t.Context(), `show fsync`).Scan(&is); err != nil {
			t.Fatal(err)
		}
		return is
	}
	t.Run("Durable", func(t *testing.T) {
		storetest.Durable(t, d)
		if is := fsync(t); is != "on" {
			t.Errorf("fsync is %s", is)
		}
	})
	storetest.Eventually(t, "it is as before", func() bool { return fsync(t) == "off" })
}
