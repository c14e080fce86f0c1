// Package load is what the load client reports and the driver reads: one JSON object a
// line. A value that could not be measured is zero.
package load

// Row is one measurement.
type Row struct {
	What string `json:"what"` // window, good or bad (the ramp's last good step and the first bad one), idle

	Rate      float64   `json:"rate"`      // publications or requests per second that were planned
	Delivered float64   `json:"delivered"` // messages per second that came to the clients
	Loss      float64   `json:"loss"`      // share of what was due and did not come, 0 to 1
	P50       float64   `json:"p50"`       // ms from the planned moment of sending to the client's having parsed it
	P99       float64   `json:"p99"`
	P999      float64   `json:"p999"`
	Max       float64   `json:"max"`
	CPU       float64   `json:"cpu"`            // server, µs per delivered message; of several, theirs together
	Core      float64   `json:"core"`           // server, share of one core, 0 to 1
	Client    float64   `json:"client"`         // the load client itself, likewise; near 1 it was the limit
	Also      []float64 `json:"also,omitempty"` // likewise, of the processes of -also
	Writes    float64   `json:"writes"`         // server's write system calls per delivered message
	PerRead   float64   `json:"perread"`        // messages in one read of the client
	Closed    int       `json:"closed"`         // sockets that the server closed
	Refused   int       `json:"refused"`        // requests that were answered with an error
	Other     float64   `json:"other"`          // delivered per second of the other stream: the flood's, the neighbour's

	Conns      int     `json:"conns"`
	ConnRate   float64 `json:"conn_rate"`  // connections opened per second, token and join included
	ConnCPU    float64 `json:"conn_cpu"`   // server, µs per connection
	JoinP99    float64 `json:"join_p99"`   // ms from connect to joined
	Settled    float64 `json:"settled"`    // KiB of RSS per idle socket
	AfterGC    float64 `json:"after_gc"`   // likewise, when unused memory was given back
	IdleCPU    float64 `json:"idle_cpu"`   // server, µs per idle socket and second
	Goroutines float64 `json:"goroutines"` // per idle socket
}
