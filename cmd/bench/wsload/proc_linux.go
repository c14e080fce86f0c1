package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// processes are those that are measured together.
type processes []int

func (ps processes) sum(of func(pid int) float64) (s float64) {
	for _, pid := range ps {
		s += of(pid)
	}
	return s
}

func (ps processes) cpu() float64 { return ps.sum(cpuOf) }

func (ps processes) rss() float64 { return ps.sum(rssOf) }

func (ps processes) writes() float64 { return ps.sum(writesOf) }

// cpuOf returns the CPU time of a process, in seconds, exact to the nanosecond where
// /proc/PID/stat counts ticks.
func cpuOf(pid int) float64 {
	var t unix.Timespec
	const sched = 2 // CPUCLOCK_SCHED; see MAKE_PROCESS_CPUCLOCK in linux/posix-timers.h
	if unix.ClockGettime(int32(^pid<<3|sched), &t) != nil {
		return 0
	}
	return float64(t.Sec) + float64(t.Nsec)/1e9
}

// writesOf returns how many write system calls a process has made.
func writesOf(pid int) float64 { return field("/proc/"+strconv.Itoa(pid)+"/io", "syscw:") }

// rssOf returns the resident memory of a process in KiB.
func rssOf(pid int) float64 { return field("/proc/"+strconv.Itoa(pid)+"/status", "VmRSS:") }

func field(file, name string) float64 {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			v, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return v
		}
	}
	return 0
}
