//go:build !linux

package main

import "log/slog"

// warnOfDescriptors knows nothing of this system's limits.
func warnOfDescriptors(*slog.Logger) {}
