package hls

func serverControl(attributes string) ServerControl {
	var c ServerControl
	for name, value := range attributeList(attributes) {
		switch name {
		case "CAN-BLOCK-RELOAD":
			c.CanBlockReload = value == "YES"
		case "CAN-SKIP-UNTIL":
			c.CanSkipUntil = seconds(value)
		case "CAN-SKIP-DATERANGES":
			c.CanSkipDateRanges = value == "YES"
		case "HOLD-BACK":
			c.HoldBack = seconds(value)
		case "PART-HOLD-BACK":
			c.PartHoldBack = seconds(value)
		}
	}
	return c
}

func startPoint(attributes string) *StartPoint {
	p := &StartPoint{}
	for name, value := range attributeList(attributes) {
		switch name {
		case "TIME-OFFSET":
			f := number(value)
			p.Offset = duration(f)
			if f < 0 {
				p.Offset = -duration(-f)
			}
		case "PRECISE":
			p.Precise = value == "YES"
		}
	}
	return p
}
