package process

import "sync"

// marks are variables, NAME=VALUE, by which the processes that a child leaves behind are known when they have left its process group:
// what a process has started has its environment, unless it was given another.
type marks struct {
	scan sync.Mutex // held while processes are looked for
	mu   sync.Mutex
	due  []string
}

// end kills all processes with mark in their environment. Those who call it at the same time share a look at all processes.
func (m *marks) end(mark string) {
	m.mu.Lock()
	m.due = append(m.due, mark)
	m.mu.Unlock()
	m.scan.Lock()
	defer m.scan.Unlock()
	m.mu.Lock()
	due := m.due
	m.due = nil
	m.mu.Unlock()
	if len(due) > 0 { // else the last one to look has looked for mark too
		killMarked(due)
	}
}

// Mark names a variable that children which are started next have in their environment, and nobody else in the network namespace of
// this process. EndMarked, or the reaper, kills what is left of them. Processes of other namespaces are spared, for /proc may show those of
// containers, and an address that is a mark here may be theirs there. It is for Linux; elsewhere what leaves the process group of a
// child is not found.
func (g *Group) Mark(mark string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.tell("+mark %q", mark)
	}
}

// EndMarked kills all processes that have the variable of a Mark, and forgets about it. What a process has started with another
// environment, or in another network namespace, is not found.
func (g *Group) EndMarked(mark string) {
	g.marks.end(mark)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.tell("-mark %q", mark)
	}
}
