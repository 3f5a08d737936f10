/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate_chart: hosts with the content and hosts lost, over time. Both axes are logarithmic: rings grow tenfold, and
 * so do their times.
 */
#include "cli/cli.h"

#include <math.h>

#include "cli/simulate_cli.h"

enum { COLS = 72, ROWS = 16 };
enum { WIDTH = 860, HEIGHT = 420, LEFT = 84, RIGHT = 24, TOP = 56, BOTTOM = 64 };

static const struct {
	double s;
	const char *label;
} times[] = {
	{ 60, "1 min" },  { 600, "10 min" },    { 3600, "1 h" },        { 6 * 3600, "6 h" },
	{ 86400, "1 d" }, { 3 * 86400, "3 d" }, { 10 * 86400, "10 d" },
};

struct axes {
	double t0, t1, top; /* top: a power of ten that no value exceeds */
};

static struct axes axes_of(const struct simulate_result *r)
{
	double most = 10;

	for (uint32_t i = 0; i < r->n_points; i++)
		most = fmax(most, r->point[i].exposed);
	return (struct axes){ r->point[0].t_s, r->point[r->n_points - 1].t_s, pow(10, ceil(log10(most))) };
}

/* 0 to 1. Below one host is the axis itself. */
static double x_of(const struct axes *a, double t_s)
{
	return log(t_s / a->t0) / log(a->t1 / a->t0);
}

static double y_of(const struct axes *a, double hosts)
{
	return hosts <= 1 ? 0 : log10(hosts) / log10(a->top);
}

static const char *count_label(double v, char out[24])
{
	if (v >= 1e6)
		(void)snprintf(out, 24, "%.0f M", v / 1e6);
	else if (v >= 1e3)
		(void)snprintf(out, 24, "%.0f k", v / 1e3);
	else
		(void)snprintf(out, 24, "%.0f", v);
	return out;
}

static void plot(const struct simulate_result *r, const struct axes *a, bool lost, char grid[ROWS][COLS])
{
	for (uint32_t c = 0; c < COLS; c++) {
		double t = a->t0 * pow(a->t1 / a->t0, (double)c / (COLS - 1)), v;
		uint32_t i = 0;

		while (i + 1 < r->n_points && r->point[i + 1].t_s <= t * 1.0001)
			i++;
		v = lost ? r->point[i].lost : r->point[i].exposed;
		if (v > 0)
			grid[ROWS - 1 - (uint32_t)(y_of(a, v) * (ROWS - 1) + 0.5)][c] = lost ? '#' : '.';
	}
}

void simulate_text_chart(const struct simulate_result *r, struct buf *b)
{
	struct axes a = axes_of(r);
	char grid[ROWS][COLS], foot[COLS + 24];
	double decades = log10(a.top);

	memset(grid, ' ', sizeof grid);
	plot(r, &a, false, grid);
	plot(r, &a, true, grid);
	buf_puts(b, "\n   hosts   . have the content   # lost   (means over trials)\n");
	for (uint32_t row = 0; row < ROWS; row++) {
		double up = (double)(ROWS - 1 - row) / (ROWS - 1) * decades;
		double above = (double)(ROWS - row) / (ROWS - 1) * decades;
		char label[24] = "";

		if (!row || floor(up + 1e-9) > floor(2 * up - above + 1e-9))
			(void)count_label(pow(10, floor(up + 1e-9)), label);
		buf_printf(b, "%8s |%.*s\n", label, COLS, grid[row]);
	}
	buf_printf(b, "%8s +%.*s\n", "", COLS,
		   "------------------------------------------------------------------------");
	memset(foot, ' ', sizeof foot);
	for (size_t i = 0; i < countof(times); i++)
		if (times[i].s >= a.t0 * 0.99 && times[i].s <= a.t1)
			memcpy(foot + (size_t)(x_of(&a, times[i].s) * (COLS - 1) + 0.5), times[i].label,
			       strlen(times[i].label));
	for (size_t n = sizeof foot; n > 0 && foot[n - 1] == ' '; n--)
		foot[n - 1] = 0;
	foot[sizeof foot - 1] = 0;
	buf_printf(b, "%8s  %s\n", "", foot);
}

/* SVG: transparent, in greys and two colours that stand out on light and dark. */

static double px(const struct axes *a, double t_s)
{
	return LEFT + x_of(a, t_s) * (WIDTH - LEFT - RIGHT);
}

static double py(const struct axes *a, double hosts)
{
	return HEIGHT - BOTTOM - y_of(a, hosts) * (HEIGHT - TOP - BOTTOM);
}

static void svg_axes(const struct axes *a, struct buf *b)
{
	char label[24];

	for (double v = 1; v <= a->top * 1.01; v *= 10)
		buf_printf(b,
			   "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" class=\"grid\"/>"
			   "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
			   LEFT, WIDTH - RIGHT, py(a, v), py(a, v), LEFT - 8, py(a, v) + 4,
			   v > 1 ? count_label(v, label) : "≤ 1");
	for (size_t i = 0; i < countof(times); i++)
		if (times[i].s >= a->t0 * 0.99 && times[i].s <= a->t1)
			buf_printf(b,
				   "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" class=\"axis\"/>"
				   "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
				   px(a, times[i].s), px(a, times[i].s), HEIGHT - BOTTOM, HEIGHT - BOTTOM + 5,
				   px(a, times[i].s), HEIGHT - BOTTOM + 20, times[i].label);
	buf_printf(b, "<path d=\"M%d %dV%dH%d\" class=\"axis\"/>\n", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
	buf_printf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">time since ring 0 opened</text>\n",
		   (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16);
	buf_printf(b, "<text transform=\"translate(20 %d) rotate(-90)\" text-anchor=\"middle\">hosts</text>\n",
		   (TOP + HEIGHT - BOTTOM) / 2);
}

static void svg_line(const struct simulate_result *r, const struct axes *a, bool lost, struct buf *b)
{
	bool begun = false;

	buf_printf(b, "<path class=\"%s\" d=\"", lost ? "lost" : "have");
	for (uint32_t i = 0; i < r->n_points; i++) {
		double v = lost ? r->point[i].lost : r->point[i].exposed;

		if (!(v > 0))
			continue;
		buf_printf(b, "%c%.1f %.1f", begun ? 'L' : 'M', px(a, r->point[i].t_s), py(a, v));
		begun = true;
	}
	buf_puts(b, begun ? "\"/>\n" : "M0 0\"/>\n");
}

static void svg_rings(const struct simulate_result *r, const struct axes *a, struct buf *b)
{
	for (uint32_t i = 1; i < PLAN_RINGS; i++)
		if (r->ring[i].opened && r->ring[i].opened_s > a->t0)
			buf_printf(b,
				   "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" class=\"ring\"/>"
				   "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" class=\"small\">ring %u</text>\n",
				   px(a, r->ring[i].opened_s), px(a, r->ring[i].opened_s), TOP, HEIGHT - BOTTOM,
				   px(a, r->ring[i].opened_s), TOP - 6, i);
}

void simulate_svg_chart(const struct simulate_opts *o, const struct simulate_result *r, struct buf *b)
{
	struct axes a = axes_of(r);

	buf_printf(b,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		   "role=\"img\" aria-label=\"hosts that have the content and hosts lost, over time\">\n<style>"
		   "text{font:13px sans-serif;fill:#808080}.small{font-size:11px}"
		   ".grid{stroke:#808080;stroke-opacity:.25}.axis{stroke:#808080;fill:none}"
		   ".ring{stroke:#808080;stroke-dasharray:3 4;stroke-opacity:.6}"
		   ".have{stroke:#3b82c4;stroke-width:2;fill:none}.lost{stroke:#d9534f;stroke-width:2.5;fill:none}"
		   ".h{fill:#3b82c4}.l{fill:#d9534f}</style>\n",
		   WIDTH, HEIGHT, WIDTH, HEIGHT);
	buf_printf(b,
		   "<text x=\"%d\" y=\"20\"><tspan class=\"h\">have the content</tspan> of %llu hosts, "
		   "<tspan class=\"l\">lost</tspan> %.1f (mean of %u trials)</text>\n",
		   LEFT, (unsigned long long)o->hosts, r->lost_mean, r->trials);
	svg_axes(&a, b);
	svg_rings(r, &a, b);
	svg_line(r, &a, false, b);
	svg_line(r, &a, true, b);
	buf_puts(b, "</svg>\n");
}
