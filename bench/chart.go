package bench

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	_ "gonum.org/v1/plot/vg/vgsvg" // the chart's format
)

var plotColour = color.RGBA{R: 0x2b, G: 0x6c, B: 0xb0, A: 0xff}

// bar is one of the chart's.
type bar struct {
	name  string
	bytes int64
}

// bars are those of case ts, most bytes last, with the floor.
func bars(rows []Row) []bar {
	var out []bar
	for _, r := range rowsOf(rows, "ts", 0) {
		if r.Status == okStatus && len(r.Runs) > 0 {
			out = append(out, bar{r.Contestant, r.Median.Down})
		}
		if r.Contestant == coldName {
			out = append(out, bar{"the floor", r.Floor.Wire})
		}
	}
	slices.SortStableFunc(out, func(a, b bar) int { return int(a.bytes - b.bytes) })
	return out
}

// writeChart draws what one picture of case ts costs.
func (r *Results) writeChart(file string) error {
	list := bars(r.Rows)
	if len(list) == 0 {
		return fmt.Errorf("no chart: case ts was not measured")
	}
	p := plot.New()
	p.Title.Text = "Bytes for one 1080p picture of a live HLS stream"
	p.X.Label.Text = "megabytes down"
	var names []string
	var values plotter.Values
	for _, b := range list {
		names = append(names, fmt.Sprintf("%s  %s", b.name, megabytes(b.bytes)))
		values = append(values, float64(b.bytes)/1e6)
	}
	chart, err := plotter.NewBarChart(values, vg.Points(14))
	if err != nil {
		return err
	}
	chart.Horizontal = true
	chart.Color = plotColour
	chart.LineStyle.Width = 0
	p.Add(chart)
	p.NominalY(names...)
	p.X.Min = 0
	return p.Save(18*vg.Centimeter, vg.Length(len(list))*vg.Centimeter*0.8+3*vg.Centimeter, file)
}

func megabytes(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }
