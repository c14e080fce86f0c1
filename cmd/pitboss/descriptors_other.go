//go:build !linux

package main

import "log/slog"

// warnOfDescriptors does nothing on this system, whose limits are not known.
func warnOfDescriptors(*slog.Logger) {}
