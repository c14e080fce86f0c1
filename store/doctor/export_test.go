package doctor

// Checks returns the names of all checks.
func Checks() (out []string) {
	for _, c := range checks {
		out = append(out, c.name)
	}
	return out
}
