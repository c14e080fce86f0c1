package hub

// Known is of how many subjects this node knows anything.
func (h *Hub) Known() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, t := range h.tenants {
		n += len(t.subjects)
	}
	return n
}

// Reserved is how many sockets there are, those included that are being made or were refused.
func (h *Hub) Reserved() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reserved
}
