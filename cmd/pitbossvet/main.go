// Pitbossvet holds the code to the walls between tenants that no type can express. It is a tool for go vet:
//
//	go vet -vettool=bin/pitbossvet ./...
//
// "make vet" builds and runs it. Package walls has the rules.
package main

import (
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/pitboss-hub/pitboss/cmd/pitbossvet/walls"
)

func main() { unitchecker.Main(walls.Pools, walls.SQL, walls.Labels) }
