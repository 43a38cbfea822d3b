package emulator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// complainEvery is the least time between two lines of the log about failures of the same kind.
const complainEvery = time.Second

// complaints say in the log why front doors answer with failures, since the answers themselves do not: a client of API Gateway gets the
// same text whatever has gone wrong. There is one line for each kind and complainEvery, with how many had none since the one before.
type complaints struct {
	mu    sync.Mutex
	kinds map[failure]*complaint
}

type complaint struct {
	at     time.Time // of the last line
	untold int       // failures since
}

// due counts a failure, and tells whether there is to be a line about it, and how many had none.
func (c *complaints) due(kind failure, now time.Time) (untold int, due bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kinds == nil {
		c.kinds = map[failure]*complaint{}
	}
	last := c.kinds[kind]
	if last == nil {
		last = &complaint{}
		c.kinds[kind] = last
	}
	if !last.at.IsZero() && now.Sub(last.at) < complainEvery {
		last.untold++
		return 0, false
	}
	untold, last.untold, last.at = last.untold, 0, now
	return untold, true
}

// complain says in the log why the door has answered with a failure; err is nil where the kind says all.
func (d *openDoor) complain(ctx context.Context, inv *invocation, kind failure, err error) {
	log := d.fn.cfg.Log
	if kind == failClosed || !log.Enabled(ctx, slog.LevelWarn) {
		return
	}
	untold, due := d.fn.complaints.due(kind, time.Now())
	if !due {
		return
	}
	if err == nil {
		err = d.explain(kind)
	}
	log.WarnContext(ctx, "request failed", "front_door", string(d.name), "request_id", inv.id, "why", err.Error(), "not_logged", untold)
}

// explain is why a door refuses a request by itself.
func (d *openDoor) explain(kind failure) error {
	body, _ := d.limits()
	switch kind {
	case failRoute:
		return fmt.Errorf("nothing is there: paths begin with %s/", d.base())
	case failUpgrade:
		return errors.New("the front door speaks no other protocol than HTTP/1.1")
	case failMethod:
		return errors.New("the front door does not pass this method on")
	case failBody:
		return errors.New("the body of the request is incomplete")
	case failTooLarge:
		return fmt.Errorf("the body of the request is over %d bytes", body)
	default:
		return fmt.Errorf("the event is over %d bytes, with the body in base64 if it is no text", MaxPayload)
	}
}
