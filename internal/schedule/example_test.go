package schedule_test

import (
	"fmt"
	"time"

	"github.com/kfgrab/kfgrab/internal/schedule"
)

// A real loop sleeps for Wait instead of adding it.
func Example() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var s schedule.Schedule
	rule := schedule.Rule{Every: 5 * time.Minute, Spread: schedule.NoSpread}
	if err := s.Set(now, "gate", rule, schedule.State{}); err != nil {
		fmt.Println(err)
		return
	}
	for runs := 0; runs < 3; {
		for _, r := range s.Due(now) {
			fmt.Println(now.Format("15:04:05"), r.Name)
			runs++
			s.Done(now, r.Name, true)
		}
		now = now.Add(s.Wait(now))
	}
	// Output:
	// 12:00:00 gate
	// 12:05:00 gate
	// 12:10:00 gate
}
