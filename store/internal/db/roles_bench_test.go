package db_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/store"
	"github.com/pitboss-hub/pitboss/store/storetest"
)

var mostRoles = flag.Int("roles.most", 1000, "the largest number of tenants' roles in BenchmarkSetRole")

// BenchmarkSetRole measures what it takes to enter ten tenants' scopes in turn when the login is a member of so many
// roles, 10, 100 and so on: the server looks the membership up in a list that each process keeps, and makes anew when
// any membership was granted or revoked (regranted).
func BenchmarkSetRole(b *testing.B) {
	for _, bin := range []string{storetest.Installed(b), storetest.Newest(b)} {
		server := storetest.StartServer(b, bin)
		b.Run(fmt.Sprintf("postgresql=%d", server.Major(b)), func(b *testing.B) { setRoles(b, server) })
	}
}

func setRoles(b *testing.B, server storetest.Server) {
	d := server.Database(b, "roles", nil)
	s, admin := storetest.Open(b, d, store.Options{MaxConns: 1})
	ids := make([]tenant.ID, 10)
	for i := range ids {
		ids[i] = storetest.Tenant(b, admin)
	}
	regrant := storetest.Connect(b, d.SuperURL)
	have := len(ids)
	for most := len(ids); most <= *mostRoles; most *= 10 {
		if most > have {
			server.Super(b, d.Name, fmt.Sprintf(`do $$ begin for i in %d..%d loop
				execute format('create role t_extra_%%s nologin noinherit', i);
				execute format('grant t_extra_%%s to pitboss_app', i);
			end loop; end $$`, have+1, most))
			have = most
		}
		for _, regranted := range []bool{false, true} {
			b.Run(fmt.Sprintf("roles=%d/regranted=%v", most, regranted), func(b *testing.B) {
				var took []time.Duration
				for i := 0; b.Loop(); i++ {
					if regranted {
						if _, err := regrant.Exec(b.Context(), `revoke pg_monitor from pitboss_owner; grant pg_monitor to pitboss_owner`); err != nil {
							b.Fatal(err)
						}
					}
					began := time.Now()
					err := s.Tenant(ids[i%len(ids)]).Tx(b.Context(), func(context.Context, pgx.Tx) error { return nil })
					if err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "p50-µs")
				b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "p99-µs")
			})
		}
	}
}
