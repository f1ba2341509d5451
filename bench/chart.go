package bench

import (
	"fmt"
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"github.com/kfgrab/kfgrab/internal/atomicfile"
)

var (
	kfgrabColour = color.RGBA{R: 0x2b, G: 0x6c, B: 0xb0, A: 0xff}
	othersColour = color.RGBA{R: 0xa0, G: 0xae, B: 0xc0, A: 0xff}
)

// bar is one bar of the chart.
type bar struct {
	name  string
	bytes int64
}

// chartBars returns a bar for each contestant of case ts and one for the floor, the
// longest last.
func chartBars(rows []Row) []bar {
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
	list := chartBars(r.Rows)
	if len(list) == 0 {
		return fmt.Errorf("no chart without case ts: measure it as well")
	}
	p := plot.New()
	p.Title.Text = "Megabytes for one picture of a live 1080p HLS stream"
	p.Title.Padding = vg.Points(10)
	var names []string
	for i, b := range list {
		names = append(names, fmt.Sprintf("%s   %s", b.name, formatMegabytes(b.bytes)))
		chart, err := plotter.NewBarChart(plotter.Values{float64(b.bytes) / 1e6}, vg.Points(14))
		if err != nil {
			return err
		}
		chart.Horizontal, chart.XMin, chart.LineStyle.Width = true, float64(i), 0
		chart.Color = othersColour
		if strings.HasPrefix(b.name, coldName) {
			chart.Color = kfgrabColour
		}
		p.Add(chart)
	}
	p.NominalY(names...)
	p.X.Min, p.X.Max = 0, float64(list[len(list)-1].bytes)/1e6*1.05
	return savePlot(p, vg.Length(len(list))*vg.Points(22)+vg.Points(80), file)
}

// savePlot writes a PNG. It draws the letters itself, so they look the same everywhere.
func savePlot(p *plot.Plot, height vg.Length, file string) error {
	const width, margin = 18 * vg.Centimeter, 8
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(144))
	page := draw.New(c)
	page.FillPolygon(color.White, []vg.Point{{}, {X: width}, {X: width, Y: height}, {Y: height}})
	p.Draw(draw.Crop(page, margin, -margin, margin, -margin))
	f, err := atomicfile.Create(file)
	if err != nil {
		return err
	}

	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(f); err != nil {
		f.Discard()
		return err
	}
	return f.Commit()
}

func formatMegabytes(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }
