package web

import "github.com/labstack/echo/v4"

// Routes are all that the Server answers, as "GET /v1/rooms/:room".
func (s *Server) Routes() []string {
	var out []string
	for _, r := range s.echo.Routes() {
		if r.Method != echo.RouteNotFound {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}
