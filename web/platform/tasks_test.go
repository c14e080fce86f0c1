package platform

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pitboss-hub/pitboss/store/jobs"
)

func TestTheKeysAreFreedOfJobsThatFailedWith400Or500AndAbove(t *testing.T) {
	for code, status := range statuses {
		if again := status == http.StatusBadRequest || status >= http.StatusInternalServerError; again != slices.Contains(jobs.Freed, code) {
			t.Errorf("%s is answered with %d", code, status)
		}
	}
	for _, code := range jobs.Freed {
		if statuses[code] == 0 {
			t.Errorf("%s is answered with 409", code)
		}
	}
}
