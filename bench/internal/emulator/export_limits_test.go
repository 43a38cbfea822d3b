package emulator

import "time"

// BilledMS and BilledGBSeconds are the formulas of the bill, CPUQuota that of the share of CPU.
var (
	BilledMS        = billedMS
	BilledGBSeconds = billedGBSeconds
	CPUQuota        = cpuQuota
)

// CPUPeriod is what CPUQuota is a part of.
const CPUPeriod = cpuPeriod

// CageDirs are the cgroups of all environments, by controller.
func (s *Service) CageDirs() map[string][]string {
	s.fn.mu.Lock()
	defer s.fn.mu.Unlock()
	dirs := map[string][]string{}
	for env := range s.fn.envs {
		if env.cage == nil {
			continue
		}
		for _, g := range env.cage.groups {
			for name, has := range g.has {
				if has {
					dirs[name] = append(dirs[name], g.dir)
				}
			}
		}
	}
	return dirs
}

// PrivateTmp tells whether environments have a /tmp of their own; ScratchDir is the folder of their folders, "" if there are none.
func (s *Service) PrivateTmp() bool   { return s.fn.limits.tmp.private() }
func (s *Service) ScratchDir() string { return s.fn.limits.tmp.base }

// WithoutNamespaces makes a service that has started no environment do without mount namespaces.
func (s *Service) WithoutNamespaces() {
	s.fn.limits.tmp.mounts.usable = false
	s.fn.limits.tmp.prepare(&s.fn.limits, false)
}

// Report is a REPORT line, or its JSON, of an invocation that succeeded.
func Report(cfg Config, id string, duration, init time.Duration, cold bool, usedMB int, now time.Time) string {
	a := &usage{id: id, began: now.Add(-duration), cold: cold, init: init}
	a.settle(&cfg, now)
	return string(endLines(cfg.LogFormat, &cfg, a, usedMB, now))
}
