package script

// Statements returns the texts of the statements.
func (s Script) Statements() (out []string) {
	for _, st := range s.statements {
		out = append(out, st.text)
	}
	return out
}
