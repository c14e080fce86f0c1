package web

import (
	"strconv"
	"strings"
)

// identity is the content coding of what is not encoded.
const identity = "identity"

// weights are how welcome content codings are to a client, from 0, which is not at all, to 1.
type weights map[string]float64

// parseAcceptEncoding returns the weights in the values of Accept-Encoding (RFC 9110 §12.5.3). A weight
// that cannot be read counts as 0.
func parseAcceptEncoding(values []string) weights {
	w := weights{}
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			coding, params, _ := strings.Cut(item, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "" {
				w[coding] = parseWeight(params)
			}
		}
	}
	return w
}

// parseWeight returns the weight in the parameters of a coding: 1 if there are none.
func parseWeight(params string) float64 {
	params = strings.TrimSpace(params)
	if params == "" {
		return 1
	}
	name, value, _ := strings.Cut(params, "=")
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || !(q >= 0 && q <= 1) {
		return 0
	}
	return q
}

// of returns the weight of a coding. What is not encoded is acceptable unless the client says
// otherwise, and less welcome than what it names.
func (w weights) of(coding string) float64 {
	if q, ok := w[coding]; ok {
		return q
	}
	if q, ok := w["*"]; ok {
		return q
	}
	if coding == identity {
		return 0.0001 // a weight has three digits
	}
	return 0
}
