package db_test

import (
	"testing"

	"github.com/pitboss-hub/pitboss/store/storetest"
)

func BenchmarkGeneration(b *testing.B) {
	s, _ := storetest.New(b)
	for _, sql := range []string{`select platform.generation(0, 0), platform.written()`, `select directory_version from platform.instance`} {
		b.Run(sql, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.ControlPool().Exec(b.Context(), sql); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
