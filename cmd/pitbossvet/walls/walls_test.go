package walls_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/pitboss-hub/pitboss/cmd/pitbossvet/walls"
)

func TestRawConnectionsAreForThePackagesThatLendThem(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), walls.Pools, "pools", "github.com/pitboss-hub/pitboss/store/internal/db")
}

func TestSQLIsConstantAndOfOneSchema(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), walls.SQL, "lib", "sql", "github.com/pitboss-hub/pitboss/store/internal/db")
}

func TestATenantInALogOrAMetricIsTypedAndBounded(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), walls.Labels, "labels", "github.com/pitboss-hub/pitboss/hub")
}
