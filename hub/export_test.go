package hub

// Known returns how many subjects this node knows.
func (h *Hub) Known() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, t := range h.tenants {
		n += len(t.subjects)
	}
	return n
}

// Reserved returns the number of sockets, including those being made and refused ones.
func (h *Hub) Reserved() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reserved
}
