package api

import "testing"

func TestMediaTypesAreComparedWithoutCase(t *testing.T) {
	for kind, want := range map[string]bool{
		"application/json": true, "Application/JSON": true, "application/json; charset=utf-8": true, "APPLICATION/JSON;charset=UTF-8": true,
		"application/jsonp": false, "application/json5": false, "text/plain": false, "application/x-www-form-urlencoded": false, ";": false,
	} {
		if isJSON(kind) != want {
			t.Errorf("%q: %v", kind, !want)
		}
	}
}
