/* SPDX-License-Identifier: Apache-2.0 */
/* x86_pend: pending registers (x86.h says what they are), and what is known of addresses. */
#include "engine/jit/x86.h"

const uint8_t x86_host[ISA_N_REGS] = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15, RBP };

static uint16_t deps_of(struct x86_expr e)
{
	return (uint16_t)((e.base == X86_NO_REG ? 0 : x86_bit(e.base)) |
			  (e.index == X86_NO_REG ? 0 : x86_bit(e.index)));
}

static bool is_copy(struct x86_expr e)
{
	return !e.map && e.base != X86_NO_REG && e.index == X86_NO_REG && !e.disp;
}

void x86_forget_facts(struct x86 *x, unsigned r)
{
	for (unsigned i = 0; i < x->n_facts;) {
		struct x86_fact *f = &x->facts[i];

		if (f->base == r || f->index == r)
			*f = x->facts[--x->n_facts];
		else
			i++;
	}
}

/* Those that need r's host register as it is now: compute them while they can be, or forget them. */
static void settle_users(struct x86 *x, unsigned r)
{
	for (uint16_t m = x->pending; m; m &= (uint16_t)(m - 1)) {
		unsigned y = (unsigned)__builtin_ctz(m);

		if (y == r || !(x->deps[y] >> r & 1) || !x86_is_pending(x, y))
			continue;
		if (x->need >> y & 1)
			x86_compute(x, y);
		else
			x->pending &= (uint16_t)~x86_bit(y);
	}
}

void x86_pend(struct x86 *x, unsigned r, struct x86_expr e)
{
	uint16_t deps = deps_of(e);

	if (deps & ~x86_bit(r))
		settle_users(x, r);
	x->pending &= (uint16_t)~x86_bit(r);
	if (!x86_is_live(x, r) || (is_copy(e) && e.base == r))
		return;
	x->pending |= x86_bit(r);
	x->deps[r] = deps;
	x->e[r] = e;
}

static void compute_indexed(struct x86 *x, unsigned dst, struct x86_mem m)
{
	struct x86_code *c = &x->c;

	if (m.base == X86_NO_REG && !m.disp && dst == m.index) {
		x86_shift_i(c, true, X_SHL, dst, m.scale);
		return;
	}
	if (m.base == X86_NO_REG && m.scale == 1) {
		m.base = m.index;
		m.scale = 0;
	}
	if (!m.disp && !m.scale && (dst == m.base || dst == m.index))
		x86_alu_rr(c, true, X_ADD, dst, dst == m.base ? m.index : m.base);
	else
		x86_rm(c, X_W, 0x8d, dst, m);
}

void x86_compute(struct x86 *x, unsigned r)
{
	struct x86_expr e = x->e[r];
	struct x86_mem m = x86_mem_of(e);
	unsigned dst = x86_host[r];

	x->pending &= (uint16_t)~x86_bit(r);
	settle_users(x, r);
	x86_forget_facts(x, r);
	if (e.map)
		x86_const(x, dst, VM_MAP_REF + (uint32_t)e.disp);
	else if (m.index != X86_NO_REG)
		compute_indexed(x, dst, m);
	else if (!m.disp)
		x86_mov_rr(&x->c, !(x->zero >> r & 1), dst, m.base);
	else if (dst == m.base)
		x86_alu_ri(&x->c, true, X_ADD, dst, m.disp);
	else
		x86_rm(&x->c, X_W, 0x8d, dst, m);
}

unsigned x86_read(struct x86 *x, unsigned r)
{
	if (x86_is_pending(x, r)) {
		if (is_copy(x->e[r]))
			return x86_host[x->e[r].base];
		x86_compute(x, r);
	}
	return x86_host[r];
}

void x86_overwrite(struct x86 *x, unsigned r)
{
	x->pending &= (uint16_t)~x86_bit(r);
	settle_users(x, r);
	x86_forget_facts(x, r);
}

unsigned x86_modify(struct x86 *x, unsigned r)
{
	if (x86_is_pending(x, r))
		x86_compute(x, r);
	settle_users(x, r);
	x86_forget_facts(x, r);
	return x86_host[r];
}

void x86_shift_deps(struct x86 *x, unsigned r, int32_t imm)
{
	for (uint16_t m = x->pending; m; m &= (uint16_t)(m - 1)) {
		unsigned y = (unsigned)__builtin_ctz(m);
		struct x86_expr *e = &x->e[y];
		int64_t disp = e->disp;

		if (!(x->deps[y] >> r & 1))
			continue;
		disp -= e->base == r ? imm : 0;
		disp -= e->index == r ? (int64_t)imm * (1 << e->scale) : 0;
		if (x86_is_i32(disp))
			e->disp = (int32_t)disp;
		else if (x->need >> y & 1)
			x86_compute(x, y);
		else
			x->pending &= (uint16_t)~x86_bit(y);
	}
	for (unsigned i = 0; i < x->n_facts; i++) {
		struct x86_fact *f = &x->facts[i];
		int64_t by = (f->base == r ? imm : 0) + (f->index == r ? (int64_t)imm * (1 << f->scale) : 0);

		if (!by)
			continue;
		if (x86_is_i32(f->lo - by) && x86_is_i32(f->hi - by)) {
			f->lo -= (int32_t)by;
			f->hi -= (int32_t)by;
		} else {
			*f = x->facts[--x->n_facts];
			i--;
		}
	}
}

void x86_settle(struct x86 *x, uint16_t set, bool all)
{
	for (uint16_t m = x->pending; m; m &= (uint16_t)(m - 1)) {
		unsigned y = (unsigned)__builtin_ctz(m);

		if (x86_is_pending(x, y) && set >> y & 1)
			x86_compute(x, y);
	}
	if (all)
		x->pending = 0;
}

struct x86_mem x86_address(struct x86 *x, unsigned r, int32_t off)
{
	struct x86_expr e = x86_expr_of(x, r);

	if (e.map || !x86_is_i32((int64_t)e.disp + off)) {
		x86_compute(x, r);
		e = x86_expr_of(x, r);
	}
	e.disp += off;
	return x86_mem_of(e);
}
