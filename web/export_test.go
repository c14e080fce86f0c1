package web

import (
	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web/operator"
	"github.com/pitboss-hub/pitboss/web/platform"
)

// The rules of routes that are no scopes.
const (
	Public   = public
	SignedIn = signedIn
)

// Queries returns the query parameters of each route of the API.
func (s *Server) Queries() map[string][]string { return queriesOf(s.apiRoutes(new(operator.API))) }

// PlatformQueries does the same for the API of the platform.
func (s *Server) PlatformQueries() map[string][]string {
	return queriesOf(s.platformRoutes(new(platform.API)))
}

func queriesOf(routes []route) map[string][]string {
	out := map[string][]string{}
	for _, r := range routes {
		out[r.method+" "+r.path] = r.query
	}
	return out
}

// Needs returns what each route of the API needs, by its name as "GET /v1/rooms".
func (s *Server) Needs() map[string]auth.Scope {
	out := map[string]auth.Scope{}
	for _, r := range s.apiRoutes(new(operator.API)) {
		out[r.method+" "+r.path] = r.needs
	}
	return out
}

// PlatformNeeds does the same for the API of the platform.
func (s *Server) PlatformNeeds() map[string]auth.Scope {
	out := map[string]auth.Scope{}
	for _, r := range s.platformRoutes(new(platform.API)) {
		out[r.method+" "+r.path] = r.needs
	}
	return out
}
