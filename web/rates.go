package web

import (
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/auth/tenant"
	"github.com/pitboss-hub/pitboss/web/internal/api"
)

// rateBurst is how many seconds' worth of requests somebody may make at once.
const rateBurst = 10

// rates limits requests by who makes them, from wherever: a person or an API key, and all of a casino together.
type rates struct {
	people  *api.Buckets[person]
	tenants *api.Buckets[tenant.ID]
	policy  string // of the header
}

// person is whom a request counts for. A player's name is not one of the staff's.
type person struct {
	tenant tenant.ID
	role   auth.Role
	name   string
}

// newRates returns rates of so many requests a second; nil if there is no limit.
func newRates(ofPerson, ofTenant int) *rates {
	if ofPerson <= 0 || ofTenant <= 0 {
		return nil
	}
	return &rates{
		api.NewBuckets[person](ofPerson, rateBurst*ofPerson), api.NewBuckets[tenant.ID](ofTenant, rateBurst*ofTenant),
		fmt.Sprintf(`"person";q=%d;w=%d, "casino";q=%d;w=%[2]d`, rateBurst*ofPerson, rateBurst, rateBurst*ofTenant),
	}
}

// perPerson refuses requests of a principal, or of a casino, beyond what it may ask for, and says how much is left
// (draft-ietf-httpapi-ratelimit-headers).
func (s *Server) perPerson(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.rates == nil {
			return next(c)
		}
		p, now, h := api.PrincipalOf(c), time.Now(), c.Response().Header()
		who := person{p.Tenant, p.Role, p.Subject}
		wait, limit := s.rates.people.Spend(who, 1, now), api.LimitPersonRequests
		if wait == 0 {
			if wait = s.rates.tenants.Spend(p.Tenant, 1, now); wait > 0 {
				s.rates.people.Charge(who, -1, now)
				limit = api.LimitTenantRequests
				s.seldom.Log(slog.LevelWarn, "a casino makes more requests than it may", "tenant", p.Slug)
			}
		}
		mine, mineFull := s.rates.people.Left(who, now)
		all, allFull := s.rates.tenants.Left(p.Tenant, now)
		h.Set("RateLimit-Policy", s.rates.policy)
		h.Set("RateLimit", fmt.Sprintf(`"person";r=%d;t=%d, "casino";r=%d;t=%d`, mine, seconds(mineFull), all, seconds(allFull)))
		if wait > 0 {
			s.limits.Hit(p.Tenant, limit)
			h.Set("Retry-After", strconv.FormatInt(max(1, seconds(wait)), 10))
			return api.ErrTooFast
		}
		return next(c)
	}
}

// seconds returns a time in whole seconds, rounded up.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
