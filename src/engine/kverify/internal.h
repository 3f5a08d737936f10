/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal: what the files of kverify share, and the door for its own tests.
 *
 * kcheck_*() judge the instruction at v->insn and change v->cur, the state at work, to what holds after it. One
 * question, one file.
 */
#ifndef SALLYPORT_ENGINE_KVERIFY_INTERNAL_H
#define SALLYPORT_ENGINE_KVERIFY_INTERNAL_H

#include "engine/kverify/kverify.h"
#include "engine/kverify/state.h"

/* KV_UNKNOWN_OPCODE = 101 and so on. Rows by topic: diag_structure.def Q1xx, numbers Q2xx, memory Q3xx, calls Q4xx,
 * resources Q5xx, types Q6xx, load Q7xx, size and unsupported Q9xx. */
enum kverify_id {
#define KDIAG(id, name, cls, title, need, mend, log) KV_##name = (id),
#include "engine/kverify/diagnostics.def"
#undef KDIAG
};

/* A function of the program. Linux: struct bpf_subprog_info. */
struct ksubprog {
	uint32_t start, end; /* slots [start, end) */
	uint32_t stack_bytes;
	uint32_t func; /* index in prog->funcs; UINT32_MAX: none */
	bool has_tail_call, tail_call_reachable, has_ld_abs, is_cb, is_async_cb, is_exception_cb;
	bool changes_pkt, might_sleep, might_throw;
	bool global, called, verified;
	uint32_t exit_insn;
	/* call_global.c: what its BTF prototype says of its arguments; args_known 0: not looked at, 1: known, 2: they
	 * do not fit */
	uint8_t args_known, n_args;
	struct ksubprog_arg {
		uint32_t arg; /* enum kernel_arg */
		uint32_t flags, mem_size, type_id;
	} args[5];
	bool returns_void;
	int32_t fastcall_off; /* lowest slot that a bpf_fastcall pattern uses; INT16_MIN: something else uses them too
			       */
	bool keep_fastcall_stack;
};

/* What is known of an instruction, apart from any path. Small: there may be a million. Linux: struct bpf_insn_aux_data.
 */
struct kaux {
	bool prune_point : 1, jmp_point : 1, force_checkpoint : 1, calls_callback : 1, is_iter_next : 1, seen : 1,
		jump_target : 1;
	bool too_new : 1;     /* this release has the opcode, but not with these fields */
	uint8_t fastcall : 6; /* 1: part of a spill pattern of bpf_fastcall; for calls: number of pairs that go << 1 */
	uint8_t one_way : 2;  /* enum kone_way: a branch on constants, CONST_BRANCHES releases */
	uint16_t live_regs;   /* read later, at this point: LIVE_STATIC releases and 6.15 on */
	uint32_t scc;
	union { /* loads and stores; lookups and tail calls; bpf_loop */
		/* the same instruction must not be reached with pointers of different kinds: base | flags << 8 of the
		 * first; 0: none */
		uint32_t ptr_type;
		uint32_t map_state;   /* index of the map + 1; UINT32_MAX: several */
		uint32_t loop_inline; /* see helper_extra.c */
	};
};
static_assert(KF_DYNPTR_FILE < 1 << 24, "flags fit into ptr_type");

enum kone_way { KONE_WAY_NO, KONE_WAY_TAKEN, KONE_WAY_NOT_TAKEN }; /* to be followed like a plain jump */

/* A map of the program with what its BTF says of the values. */
struct kmap {
	const struct prog_map *m;
	int32_t spin_lock_off, res_spin_lock_off, timer_off, wq_off, task_work_off; /* -1: none */
	uint32_t n_kptrs;
	const struct kfield *kptrs; /* sorted by off: all special fields, those with an offset above too */
	bool frozen;                /* .rodata: what is in it is known */
	const struct kmap *inner;   /* *_OF_MAPS: the map that stands for those in it; NULL: not said */
};
enum kfield_kind {
	KFIELD_KPTR_UNREF,
	KFIELD_KPTR_REF,
	KFIELD_KPTR_PERCPU,
	KFIELD_LIST_HEAD,
	KFIELD_LIST_NODE,
	KFIELD_RB_ROOT,
	KFIELD_RB_NODE,
	KFIELD_REFCOUNT,
	KFIELD_UPTR,
	KFIELD_SPIN_LOCK,
	KFIELD_RES_SPIN_LOCK,
	KFIELD_TIMER,
	KFIELD_WQ,
	KFIELD_TASK_WORK,
	KFIELD_N
};
struct kfield {
	uint32_t kind, off, size;
	uint32_t types, type_id; /* of what it points to, or of the node type */
	uint32_t node_off;
};

/* A path that waits. */
struct kpending {
	struct kpending *next;
	struct kverify_state st;
	uint32_t insn, prev_insn;
	uint64_t step; /* at which it began to wait */
};

/* A state kept for comparison, in the list of its instruction. */
struct kstored {
	struct kstored *next;
	struct kverify_state st;
	struct kstored *prev; /* of those that left their list */
	uint32_t misses, hits;
	bool in_free_list, cleaned;
};

struct kblock {
	struct kblock *next;
};

/* Where the program goes, for types whose context is the arguments of a function of the kernel. */
struct kattach {
	const char *name;             /* "bpf_lsm_file_open", "btf_trace_sched_switch", "do_unlinkat" */
	const struct btf_type *proto; /* FUNC_PROTO in the kernel's types */
	const struct btf_type *stub;  /* struct_ops: FUNC_PROTO that names what may be NULL; NULL: nothing may */
	uint32_t id;                  /* of the function or typedef; struct_ops: 0 */
	uint32_t first;               /* parameters that are not the program's: 1 for raw tracepoints */
};

struct kverifier {
	const struct prog *p;
	const struct kverify_opts *o;
	const struct kernel_profile *k;
	struct knum_rules rules; /* how numbers are reckoned */
	struct arena *arena;
	struct arena scratch; /* kscratch() */
	struct diag *d;
	struct kverify_stats stats;
	const struct kernel_prog_type *type;
	struct kattach attach; /* proto NULL: none */
	int failed_reg;        /* what the reject was about; -1 */

	struct ksubprog *subprogs; /* sorted by start; 0 is the program */
	uint32_t n_subprogs;
	bool catches;      /* one of them is the exception callback */
	struct kaux *aux;  /* per slot */
	struct kmap *maps; /* per map of the program */

	struct kverify_state cur;      /* at work */
	uint32_t differs;              /* the slot by which two stacks differed last: state.c */
	struct kverify_state *cleaned; /* the kept state that was cleaned last; NULL: it is no more */
	uint32_t insn, prev_insn;      /* at work (a check may change it to the next), and the one before it */
	uint32_t at;                   /* at work, whatever becomes of insn */
	uint64_t prev_step;            /* the step before the one at work on this path; 0: none */
	bool hist_open;                /* the newest entry of the history is of the instruction at work */
	bool path_ends;
	bool goes_back;      /* some jump leads back, or some call calls back: there may be loops */
	bool names_subprogs; /* some instruction calls a function of the program, or takes its address */
	bool walking;        /* along a path, not before or after all of them */
	bool strict_align;
	bool sleepable;
	uint32_t next_id;
	struct kpending *pending;
	uint32_t n_pending;
	uint64_t prev_steps, jmps, prev_jmps; /* when the last state was kept: is_state_visited's heuristic */
	bool test_state_freq;

	struct kstored **stored; /* heads, per slot */
	struct kstored *evicted; /* that are not compared any more, but referred to */
	uint32_t n_stored;
	bool main_ends_with_range; /* the exit range is looked at */

	/* What the call or access at work found out: set and used within one instruction. */
	bool seen_direct_write, has_ld_abs, calls_tail;
	bool poison_ok; /* memory of a kfunc or global function: dead slots of the stack will do */

	/* pool.c */
	struct kblock **free_blocks;
	size_t n_classes;

	/* files keep what they need between instructions in structs of their own, made on first use */
	struct klive_data *live;   /* live_*.c */
	struct kprecise *precise;  /* precise.c */
	struct kloops *loops;      /* scc.c */
	struct ktypes_data *types; /* types.c: kernel and object BTF, fields of types */
	struct kcompare *compare;  /* compare.c: id maps */
	struct kkfunc **kfuncs;    /* kfunc_find.c: per slot; NULL: the program calls none */
};

/* ---- kverify.c: kverify_prog, and the verifier as it ended; *out is NULL when there was no memory for it ---- */
FALLIBLE kverify_run(const struct prog *p, const struct kverify_opts *o, struct arena *a, struct kverify_stats *stats,
		     struct diag *d, struct kverifier **out);

/* ---- report.c ---- */
/*
 * Reject: v->d gets id, place, the kernel's words, notes. reg: its number, or -1. The format is the line of the
 * kernel's log of the newest release that says it.
 */
FALLIBLE kv_fail(struct kverifier *v, enum kverify_id id, int reg, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
#define KREJECT(v, id, ...) return kv_fail((v), KV_##id, -1, __FILE__, __LINE__, __VA_ARGS__)
#define KREJECT_REG(v, id, reg, ...) return kv_fail((v), KV_##id, (int)(reg), __FILE__, __LINE__, __VA_ARGS__)
/* A feature that is not modelled. */
#define KUNSUPPORTED(v, ...) return kv_fail((v), KV_UNSUPPORTED, -1, __FILE__, __LINE__, __VA_ARGS__)
/* A broken invariant: no verdict. */
#define KENSURE(v, cond)                                                                                \
	do {                                                                                            \
		if (!(cond))                                                                            \
			return kv_fail((v), KV_BUG, -1, __FILE__, __LINE__, "verifier bug: %s", #cond); \
	} while (0)
/* Memory: pool_alloc gave NULL. */
FALLIBLE kv_out_of_memory(struct kverifier *v);
#define KNEED(v, p)                                 \
	do {                                        \
		if (!(p))                           \
			return kv_out_of_memory(v); \
	} while (0)

/* As kernel_has: asked at every step, so looked up once. */
static inline bool khas(const struct kverifier *v, enum kernel_behaviour b)
{
	return v->rules.has[b / 64] >> (b % 64) & 1;
}

/* ---- pool.c: blocks by size class that can be given back; NULL: the arena's cap ---- */
void *kpool_alloc(struct kverifier *v, size_t bytes);
void kpool_free(struct kverifier *v, void *p, size_t bytes);
/* Zeroed memory for one pass over the program, counted as the arena's until kscratch_done(); NULL: its cap. */
void *kscratch(struct kverifier *v, size_t n, size_t size);
void kscratch_done(struct kverifier *v);
#define KSCRATCH(v, type, n) ((type *)kscratch((v), (n), sizeof(type)))

/* ---- state.c ---- */
static inline struct kreg *kreg_at(const struct kverifier *v, unsigned r)
{
	return &v->cur.frame[v->cur.cur]->r[r];
}
bool kstate_copy(struct kverifier *v, struct kverify_state *to,
		 const struct kverify_state *from); /* to: zeroed or old */
void kstate_free(struct kverifier *v, struct kverify_state *s);
void kframe_free(struct kverifier *v, struct kframe *f);
/* Where frames of s, or their stacks, are byte for byte those of `with` (NULL: none), they become one; before a change
 * of either, kstate_own(). False: no memory. */
void kstate_share(struct kverifier *v, struct kverify_state *s, const struct kverify_state *with);
bool kstate_own(struct kverifier *v, struct kverify_state *s);
bool kframe_own(struct kverifier *v, struct kframe **f, bool slots);
uint32_t kid_fresh(struct kverifier *v); /* ++env->id_gen */
/* Every register and spilled register of the state. Return false to stop. */
typedef bool kreg_visit(struct kverifier *v, struct kreg *r, struct kslot *slot, void *user);
void kstate_each_reg(struct kverifier *v, struct kverify_state *s, kreg_visit *fn, void *user);

/* ---- walk.c: do_check ---- */
FALLIBLE kwalk_all(struct kverifier *v); /* the program, and global functions */
/* Registers of a new frame: nothing but r10, by f->frameno. Linux: init_reg_state */
void kframe_init_regs(struct kverifier *v, struct kframe *f);
/* A copy of the state at work waits at `insn`; *out: it, to be changed. Linux: push_stack */
FALLIBLE kwalk_push(struct kverifier *v, uint32_t insn, uint32_t prev, struct kverify_state **out);
/* The state of an asynchronous callback waits. Linux: push_async_cb */
FALLIBLE kwalk_push_async(struct kverifier *v, uint32_t subprog, uint32_t insn, bool sleepable, struct kframe **out);

/* ---- resolve.c, cfg.c, subprogs.c, depth.c ---- */
FALLIBLE kattach_check(struct kverifier *v); /* attach_check.c: sets v->attach */
FALLIBLE kmaps_check(struct kverifier *v);   /* map_uses.c: what is in the values of maps is for this program */
/* ksym.c: the kernel has what this instruction gives the address of; what it gives */
FALLIBLE kksym_check(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kksym_load(struct kverifier *v, const struct isa_insn *in, struct kreg *dst);
FALLIBLE kresolve(struct kverifier *v);      /* instructions, and the maps they name, are ones that this release has */
FALLIBLE kcfg_subprogs(struct kverifier *v); /* finds functions, jumps stay inside them */
FALLIBLE kcfg_check(struct kverifier *v);    /* reachability, back edges, prune points, checkpoints, SCCs */
/* exception.c: where the function begins that runs when the program throws; 0: there is none */
FALLIBLE kexception_find(struct kverifier *v, uint32_t *start);
FALLIBLE kexception_enter(struct kverifier *v, uint32_t subprog, struct kframe *f); /* its frame, arguments set */
FALLIBLE kexception_check_chain(struct kverifier *v, uint32_t insn, const uint32_t *chain, uint32_t n);
FALLIBLE kdepth_check(struct kverifier *v);                    /* after the walk: stack of chains of calls */
int kcfg_subprog_at(const struct kverifier *v, uint32_t insn); /* which begins exactly here; -1: none */
uint32_t kcfg_subprog_of(const struct kverifier *v, uint32_t insn);

/* ---- fastcall.c: stores and loads around calls that do not need them; marked before the walk, taken away before
 * depths ---- */
FALLIBLE kfastcall_mark(struct kverifier *v);
void kfastcall_remove(struct kverifier *v);

/* ---- live.c: read marks and static liveness ---- */
FALLIBLE klive_compute(struct kverifier *v);
/* Around the judgement of an instruction. */
FALLIBLE klive_step_begin(struct kverifier *v);
FALLIBLE klive_step_end(struct kverifier *v);
/* to's register r is a copy of from's, in another frame: arguments of a call or callback, the result of a call. For all
 * that is copied so, beside the copy itself: reads of it are noted where it came from. */
void klive_pass(struct kframe *to, unsigned r, const struct kframe *from, unsigned from_r);
/* A register of the frame at work is read (or written); bits 64: all of it. Linux: check_reg_arg. It rejects "R%d
 * !read_ok". */
FALLIBLE kreg_read(struct kverifier *v, unsigned r);
FALLIBLE kreg_write(struct kverifier *v, unsigned r, bool mark_unknown);
/* Slot spi of frame f is read (written whole): marks for comparison. */
FALLIBLE klive_slot_read(struct kverifier *v, uint32_t frame, uint32_t spi);
void klive_slot_written(struct kverifier *v, uint32_t frame, uint32_t spi);

/* ---- prune.c, compare.c, scc.c ---- */
FALLIBLE kprune_visit(struct kverifier *v, bool *covered);
/*
 * s waits after the instruction at work, a way out of a loop or round it once more: numbers that need not be precise
 * and are not what they were when this path came here before are forgotten. Linux: find_prev_entry,
 * widen_imprecise_scalars
 */
void kprune_widen(struct kverifier *v, struct kverify_state *s);
FALLIBLE kprune_path_end(struct kverifier *v); /* of the state at work. Linux: update_branch_counts */
void kprune_reset(struct kverifier *v);        /* forgets all kept states. Linux: free_states */
FALLIBLE kscc_compute(struct kverifier *v);

/* ---- widen.c ---- */
/*
 * Numbers of s that differ from those of the round before and need not be exact: anything. kept: the state at work or
 * its parent, by whose depth rounds are told apart; insn: where a round begins. Linux: find_prev_entry,
 * widen_imprecise_scalars
 */
void kwiden(struct kverifier *v, const struct kverify_state *kept, uint32_t insn, struct kverify_state *s);
/* s waits after the instruction at work, once more round the loop that begins here: may_goto, iterators. */
void kprune_widen(struct kverifier *v, struct kverify_state *s);

/* ---- precise.c ---- */
FALLIBLE kprecise_reg(struct kverifier *v, unsigned r); /* mark_chain_precision */
FALLIBLE kprecise_slot(struct kverifier *v, uint32_t frame, uint32_t spi);
/* The instruction at work is noted in the path's history: stack access with frame and slot, or linked registers. */
FALLIBLE khist_push(struct kverifier *v, uint32_t flags, uint64_t linked);
FALLIBLE khist_stack(struct kverifier *v, uint32_t frame, uint32_t spi, uint32_t flags);
/* Registers and slots with numbers that learn from one another at a branch. Linux: struct linked_regs */
enum { KLINKED_MAX = 6 };
struct klinked_entry {
	uint8_t frame, spi; /* spi: number of the slot, or of the register */
	bool is_reg;
};
struct klinked {
	uint8_t n;
	struct klinked_entry e[KLINKED_MAX];
};
static inline unsigned klinked_max(const struct kverifier *v)
{
	return v->k->limits.frames > 8 ? 5 : KLINKED_MAX;
}
uint64_t klinked_pack(const struct klinked *l); /* for khist_push */

/* ---- alu.c, jump.c ---- */
FALLIBLE kcheck_alu(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kcheck_imm64(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kcheck_jump(struct kverifier *v, const struct isa_insn *in); /* sets v->insn */
/* r is about to be copied: both get an id by which they learn from each other. Linux: assign_scalar_id_before_mov */
void kreg_link_ids(struct kverifier *v, struct kreg *r);
void kreg_unlink(struct kreg *r); /* clear_scalar_id */
/* A number that is broken is forgotten, or is the reject that the caller asked for. Linux: reg_bounds_sanity_check */
FALLIBLE kreg_check_num(struct kverifier *v, struct kreg *r, const char *where);

/* ---- memory: mem.c stack.c ctx.c packet.c map_value.c btf_access.c atomic.c ---- */
/* One access of `size` bytes at r + off. value: register that is stored or loaded into, -1: none (an atomic, a
 * constant). */
struct kaccess {
	unsigned reg;
	int32_t off;
	uint32_t size; /* bytes */
	bool write;
	int value;   /* number of the register; -1 */
	bool strict; /* must be aligned whatever the host */
	bool sext;   /* LDXS */
	bool once;
};
FALLIBLE kcheck_mem(struct kverifier *v, const struct kaccess *a);
/* Aligned to its size, as far as this pointer and the program's flags ask for it. Linux: check_ptr_alignment */
FALLIBLE kcheck_alignment(struct kverifier *v, const struct kaccess *a);
FALLIBLE kcheck_load(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kcheck_store(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kcheck_atomic(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kcheck_ld_abs(struct kverifier *v, const struct isa_insn *in);
/* Memory that a helper or kfunc gets: [r, r + size). meta: see call.h. Linux: check_helper_mem_access */
struct kcall;
FALLIBLE kcheck_helper_mem(struct kverifier *v, unsigned r, uint32_t size, bool write, bool zero_ok,
			   struct kcall *call);
/* The size stands in register r, the pointer in r - 1. Linux: check_mem_size_reg */
FALLIBLE kcheck_mem_size(struct kverifier *v, unsigned r, bool write, bool zero_ok, struct kcall *call);
/* Linux: check_map_access, check_packet_access, check_ptr_off_reg ... */
FALLIBLE kcheck_map_access(struct kverifier *v, unsigned r, int32_t off, uint32_t size, bool zero_ok, bool helper,
			   bool write);
FALLIBLE kcheck_packet_access(struct kverifier *v, unsigned r, int32_t off, uint32_t size, bool zero_ok);
FALLIBLE kcheck_mem_region(struct kverifier *v, unsigned r, int32_t off, uint32_t size, uint32_t mem_size,
			   bool zero_ok);
FALLIBLE kcheck_ptr_off(struct kverifier *v, const struct kreg *reg, unsigned r, bool fixed_ok);
FALLIBLE kstack_initialised(struct kverifier *v, unsigned r, int32_t off, uint32_t size, bool zero_ok, bool helper,
			    bool write, struct kcall *call);
/* Memory of fixed size for a kfunc or global function: read and written, NULL will do. Linux: check_mem_reg */
FALLIBLE kcheck_mem_reg(struct kverifier *v, unsigned r, uint32_t size);
/* As kcheck_mem_size for a kfunc: read and written, NULL with any size will do. Linux: check_kfunc_mem_size_reg */
FALLIBLE kcheck_kfunc_mem_size(struct kverifier *v, unsigned r);
/* What the map register or map value at r belongs to: the map, or what stands for the inner ones of its. */
const struct kmap *kreg_map(const struct kverifier *v, const struct kreg *r);
/* A pointer to something that may be NULL is taken to be none. Linux: mark_ptr_not_null_reg */
void kreg_not_null(struct kverifier *v, struct kreg *r);
/* Is it trusted? Linux: is_trusted_reg */
bool kreg_is_trusted(const struct kverifier *v, const struct kreg *r);
FALLIBLE kstack_initialised(struct kverifier *v, unsigned r, int32_t off, uint32_t size, bool zero_ok, bool helper,
			    bool write, struct kcall *call);
/* The packet pointers of the state at work are gone. Linux: clear_all_pkt_pointers */
void kpacket_clear(struct kverifier *v);
/* A pointer to a kernel object of this type; Linux: mark_btf_ld_reg */
void kreg_btf(struct kverifier *v, struct kreg *r, enum ktypes types, uint32_t type_id, uint32_t flags);

/* ---- calls: call.h is shared by call_helper.c args.c callback.c call_func.c ---- */
FALLIBLE kcheck_call(struct kverifier *v, const struct isa_insn *in); /* helper, local, kfunc */
FALLIBLE kcheck_exit(struct kverifier *v); /* main program, subprogram, callback: sets v->insn or v->path_ends */
FALLIBLE kcheck_helper_call(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kcheck_func_call(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kcheck_kfunc_call(struct kverifier *v, const struct isa_insn *in);
FALLIBLE kkfunc_find_all(struct kverifier *v); /* before the graph is looked at. Linux: add_kfunc_call */
struct kkfunc_facts {
	bool iter_next, sleeps, changes_packet, throws;
};
/* Of the kernel function that this instruction calls, as far as this program may call it; all false: it calls none. */
struct kkfunc_facts kkfunc_facts(const struct kverifier *v, uint32_t insn);
bool kcalls_callback(const struct kverifier *v, uint32_t insn); /* a helper or kfunc that calls back, in turn */
bool kcalls_async(const struct kverifier *v, uint32_t insn);
/* The prototype of a helper, an embedder's too; parameters of a kfunc by the kernel's types. False: not known. */
bool kcall_proto(const struct kverifier *v, uint32_t id, const struct kernel_proto **out);
bool kcall_n_params(const struct kverifier *v, const struct isa_insn *in, unsigned *n);

/* ---- refs.c dynptr.c iter.c lock.c ---- */
FALLIBLE kref_take(struct kverifier *v, enum kref_type t, uint32_t *id);
/* E_REJECTED when no such reference is held; every register that carries it is forgotten. */
FALLIBLE kref_release(struct kverifier *v, uint32_t id);
/* Linux: check_resource_leak / check_reference_leak */
FALLIBLE kref_none_held(struct kverifier *v, bool exception_exit, bool check_lock, const char *prefix);
bool kdynptr_of_arg(const struct kverifier *v, unsigned r, uint32_t *flags, uint32_t *id);

/* ---- types.c: BTF ---- */
/* A struct of the kernel's types by name; 0: there is none, or no BTF. */
uint32_t ktypes_struct(struct kverifier *v, const char *name);
const struct btf *ktypes_btf(const struct kverifier *v, enum ktypes t);
/* What a load of `size` bytes at `off` of a struct meets. Linux: btf_struct_access, btf_struct_walk */
enum kwalk_result { KWALK_SCALAR, KWALK_PTR, KWALK_MEM, KWALK_STRUCT, KWALK_BAD };
struct kwalked {
	enum kwalk_result what;
	uint32_t type_id, flags; /* PTR */
	const char *field;
	char why[120]; /* BAD: as the kernel says it */
};
void ktypes_walk(struct kverifier *v, enum ktypes t, uint32_t type_id, uint32_t off, uint32_t size,
		 struct kwalked *out);
FALLIBLE ktypes_init(struct kverifier *v); /* map values' special fields */

/* Does an object of type id, looked at `off` bytes into it, stand for one of type need? Linux: btf_struct_ids_match */
bool ktypes_match(struct kverifier *v, enum ktypes t, uint32_t id, uint32_t off, enum ktypes need_types, uint32_t need,
		  bool strict);
const char *ktypes_name(const struct kverifier *v, enum ktypes t, uint32_t id);
/* Special fields of a struct of the object's types (m == NULL); NULL: it has none. Linux: btf_find_struct_meta */
const struct kmap *ktypes_record(struct kverifier *v, uint32_t type_id);
const struct kfield *kmap_field(const struct kmap *m, uint32_t off); /* that begins at off; NULL: none */
const char *kfield_name(uint32_t kind);                              /* "bpf_timer" */
/* NULL: it was not said, or the kernel's types do not have it. */
const struct kattach *ktypes_attach(const struct kverifier *v);

/* Is the program, at this point, allowed to sleep / in an RCU section? */
bool kin_sleepable(const struct kverifier *v);
bool kin_rcu(const struct kverifier *v);

#endif
