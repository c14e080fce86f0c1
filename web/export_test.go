package web

import (
	"github.com/pitboss-hub/pitboss/auth"
	"github.com/pitboss-hub/pitboss/web/operator"
)

// The rules of routes that are no scopes.
const (
	Public   = public
	SignedIn = signedIn
)

// Queries returns the query parameters of each route of the API.
func (s *Server) Queries() map[string][]string {
	out := map[string][]string{}
	for _, r := range s.apiRoutes(new(operator.API)) {
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
