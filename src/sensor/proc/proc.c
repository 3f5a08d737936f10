/* SPDX-License-Identifier: Apache-2.0 */
/* proc: the table: who is there, who descends from whom, and who can be forgotten. */
#include "sensor/proc/table.h"

FALLIBLE proc_table_new(struct proc_table **out)
{
	struct proc_table *t = calloc(1, sizeof *t);

	if (!t)
		return E_NOMEM;
	list_init(&t->all);
	list_init(&t->gone);
	list_init(&t->kept);
	if (htab_init(&t->by_key, PROC_MAX) || htab_init(&t->by_pid, PROC_MAX) || container_table_new(&t->containers)) {
		proc_table_free(t);
		return E_NOMEM;
	}
	*out = t;
	return E_OK;
}

void proc_table_on_drop(struct proc_table *t, void (*fn)(void *user, struct proc *p), void *user)
{
	t->drop = fn;
	t->drop_user = user;
}

static uint64_t hash_of(struct proc_key k)
{
	return hash_u64(k.start_ns + ((uint64_t)k.pid << 40));
}

struct proc *proc_find(struct proc_table *t, struct proc_key key)
{
	for (struct hnode *n = htab_first(&t->by_key, hash_of(key)); n; n = htab_next(n)) {
		struct proc *p = CONTAINER_OF(n, struct proc, by_key);

		if (p->key.pid == key.pid && p->key.start_ns == key.start_ns)
			return p;
	}
	return NULL;
}

struct proc *proc_find_pid(struct proc_table *t, uint32_t pid)
{
	for (struct hnode *n = htab_first(&t->by_pid, hash_u64(pid)); n; n = htab_next(n)) {
		struct entry *e = CONTAINER_OF(n, struct entry, by_pid);

		if (e->p.key.pid == pid)
			return &e->p;
	}
	return NULL;
}

/* comm or image of p is another now. Numbers are not used again, also not by other tables. */
static void new_look(struct proc *p)
{
	static _Atomic uint64_t last;

	p->look = ++last;
}

/* Free what hangs on e and take it out of the table. Its children lose their parent. */
static void discard(struct proc_table *t, struct entry *e)
{
	if (t->drop)
		t->drop(t->drop_user, &e->p);
	LIST_FOR_SAFE (l, &e->children) {
		CONTAINER_OF(l, struct entry, sibling)->p.parent = NULL;
		list_del(l);
	}
	if (e->p.alive)
		htab_del(&t->by_pid, &e->by_pid);
	htab_del(&t->by_key, &e->p.by_key);
	list_del(&e->p.all);
	list_del(&e->dead);
	image_unref(&t->text, e->p.image);
	cwd_unref(&t->text, e->p.cwd);
	container_group_unref(t->containers, e->p.cgroup);
	t->n--;
	free(e);
}

/* Take e from its parent. The parent is returned when nobody needs it any more. */
static struct entry *unlink_parent(struct entry *e)
{
	struct entry *parent = e->p.parent ? entry_of(e->p.parent) : NULL;

	if (!parent)
		return NULL;
	list_del(&e->sibling);
	e->p.parent = NULL;
	return --parent->p.refs == 0 && parent->kept ? parent : NULL;
}

/* Drop e and every ancestor that only e kept. */
static void drop(struct proc_table *t, struct entry *e)
{
	while (e) {
		struct entry *parent = unlink_parent(e);

		discard(t, e);
		e = parent;
	}
}

void proc_table_free(struct proc_table *t)
{
	if (!t)
		return;
	while (!list_empty(&t->all)) {
		struct entry *e = CONTAINER_OF(t->all.next, struct entry, p.all);

		(void)unlink_parent(e);
		discard(t, e);
	}
	container_table_free(t->containers);
	htab_done(&t->by_key);
	htab_done(&t->by_pid);
	free(t);
}

static struct entry *next_up(const struct entry *e)
{
	return e->p.parent ? entry_of(e->p.parent) : NULL;
}

/* Generations from a dead process to its nearest living descendant; it was `was`, and can only have grown. */
static uint32_t measure(const struct entry *e, uint32_t was)
{
	uint32_t near = NO_HEIR;

	LIST_FOR (l, &e->children) {
		uint32_t n = CONTAINER_OF(l, struct entry, sibling)->near;

		if (n == NO_HEIR || n + 1 >= near)
			continue;
		near = n + 1;
		if (near == was)
			break;
	}
	return near;
}

/*
 * e, or a child of it, died. Nobody looks further up than PROC_MAX_ANCESTORS: whoever has no living descendant near
 * enough does not keep its parent. (A process without any goes as a whole, at a sweep.)
 */
static void update_near(struct proc_table *t, struct entry *e)
{
	while (e && !e->p.alive) {
		uint32_t near = measure(e, e->near);

		if (near == e->near)
			return;
		e->near = near;
		if (near >= PROC_MAX_ANCESTORS && near != NO_HEIR) {
			drop(t, unlink_parent(e));
			return;
		}
		e = next_up(e);
	}
}

static void bury(struct proc_table *t, struct entry *e)
{
	if (!e->p.alive)
		return;
	e->p.alive = false;
	e->p.refs--;
	e->exit_ns = t->now_ns;
	htab_del(&t->by_pid, &e->by_pid);
	list_add(&t->gone, &e->dead);
	update_near(t, e);
}

/* Make room by dropping the process that is dead for the longest time; never spare. */
static bool evict(struct proc_table *t, const struct proc *spare)
{
	struct list *lists[] = { &t->kept, &t->gone };

	for (size_t i = 0; i < countof(lists); i++) {
		LIST_FOR (l, lists[i]) {
			struct entry *e = CONTAINER_OF(l, struct entry, dead);

			if (&e->p == spare)
				continue;
			drop(t, e);
			return true;
		}
	}
	return false;
}

/* As evict, and spare does not go with the last of its children either. */
static bool make_room(struct proc_table *t, struct proc *spare)
{
	bool done;

	if (t->n < PROC_MAX)
		return true;
	if (!spare)
		return evict(t, NULL);
	spare->refs++;
	done = evict(t, spare);
	spare->refs--;
	return done;
}

/* A process that is not in the table yet. spare: one that the caller still needs. NULL when it is full. */
static struct entry *make(struct proc_table *t, struct proc_key key, struct proc *spare)
{
	struct proc *old = proc_find_pid(t, key.pid);
	struct entry *e = make_room(t, spare) ? calloc(1, sizeof *e) : NULL;

	if (!e) {
		t->refused++;
		return NULL;
	}
	e->p.key = key;
	e->p.alive = true;
	e->p.refs = 1;
	e->p.loginuid = UINT32_MAX;
	e->p.image_id = ++t->next_image;
	new_look(&e->p);
	e->scan = t->scan;
	list_init(&e->dead);
	list_init(&e->children);
	list_init(&e->sibling);
	list_add(&t->all, &e->p.all);
	htab_add(&t->by_key, &e->p.by_key, hash_of(key));
	t->n++;
	if (old && old->key.start_ns < key.start_ns)
		bury(t, entry_of(old)); /* its exit was not seen */
	htab_add(&t->by_pid, &e->by_pid, hash_u64(key.pid));
	if (old && old->key.start_ns > key.start_ns)
		bury(t, e); /* a late record of a process whose pid has a new owner */
	return e;
}

static bool older(const struct proc *a, const struct proc *b)
{
	return a->key.start_ns != b->key.start_ns ? a->key.start_ns < b->key.start_ns : a->key.pid < b->key.pid;
}

static void link_parent(struct entry *e, struct proc *parent)
{
	if (e->p.parent || !parent || !older(parent, &e->p)) /* by age: no cycle can come about */
		return;
	e->p.parent = parent;
	e->p.ppid = parent->key.pid;
	parent->refs++;
	list_add(&entry_of(parent)->children, &e->sibling);
	/* a parent that is dead already (records out of order) has an heir after all */
	for (struct entry *a = entry_of(parent); a && !a->p.alive && e->near < a->near - 1;
	     a = next_up(a), e = next_up(e))
		a->near = e->near + 1;
}

static void set_comm(struct proc *p, const char comm[WIRE_COMM])
{
	if (!memcmp(p->comm, comm, WIRE_COMM - 1))
		return;
	memcpy(p->comm, comm, WIRE_COMM - 1); /* the last byte stays NUL */
	new_look(p);
}

void proc_set_caps(struct proc *p, const struct wire_hdr *h)
{
	p->caps_known = !(h->flags & WIRE_NO_CAPS);
	p->caps[0] = h->cap_inheritable;
	p->caps[1] = h->cap_permitted;
	p->caps[2] = h->cap_effective;
}

struct proc *proc_of(struct proc_table *t, const struct wire_hdr *h)
{
	struct proc_key key = { h->pid, h->start_ns };
	struct proc *p = proc_find(t, key);

	if (h->time_ns > t->now_ns)
		t->now_ns = h->time_ns;
	if (!p) {
		struct entry *e = make(t, key, NULL);

		if (!e)
			return NULL;
		p = &e->p;
		set_comm(p, h->comm);
	}
	if (h->tid == h->pid)
		set_comm(p, h->comm);
	entry_of(p)->scan = t->scan;
	p->uid = h->uid;
	p->gid = h->gid;
	proc_set_caps(p, h);
	return p;
}

static void set_session(struct proc_table *t, struct entry *e, uint32_t sid)
{
	struct proc *leader;

	if (e->p.sid == sid)
		return;
	leader = e->p.key.pid == sid ? &e->p : proc_find_pid(t, sid);
	e->p.sid = sid;
	e->sid_start_ns = leader ? leader->key.start_ns : 0;
}

/* What a child has from whom it was forked. */
static void inherit(struct proc_table *t, struct entry *child, const struct entry *parent)
{
	const struct proc *p = &parent->p;
	struct proc *c = &child->p;

	c->sid = p->sid;
	c->uid = p->uid;
	c->gid = p->gid;
	c->loginuid = p->loginuid;
	c->tty = p->tty;
	c->exec_ns = p->exec_ns;
	c->image_id = p->image_id;
	c->caps_known = p->caps_known;
	memcpy(c->caps, p->caps, sizeof c->caps);
	memcpy(c->stdio_kind, p->stdio_kind, sizeof c->stdio_kind);
	image_unref(&t->text, c->image);
	c->image = image_ref(p->image);
	memcpy(c->comm, p->comm, sizeof c->comm);
	c->look = p->look;
	cwd_unref(&t->text, c->cwd);
	c->cwd = cwd_ref(p->cwd);
	container_group_unref(t->containers, c->cgroup);
	c->cgroup = container_group_ref(p->cgroup);
	child->sid_start_ns = parent->sid_start_ns;
	child->memfds = parent->memfds;
	child->memfds_cloexec = parent->memfds_cloexec;
	child->made_memfd = parent->made_memfd;
}

struct proc *proc_on_fork(struct proc_table *t, const struct wire_fork *r)
{
	struct proc_key key = { r->child_pid, r->child_start_ns };
	struct proc *parent = proc_of(t, &r->hdr), *known = proc_find(t, key);
	struct entry *child = known ? entry_of(known) : make(t, key, parent);

	if (!child)
		return NULL;
	child->scan = t->scan;
	if (!parent || parent == &child->p)
		return &child->p;
	set_session(t, entry_of(parent), r->sid);
	if (!child->p.image) { /* else its exec came first, and told more */
		inherit(t, child, entry_of(parent));
		set_comm(&child->p, r->hdr.comm);
		child->p.vpid = r->child_vpid;
		child->p.pgid = r->pgid;
		child->p.vpgid = r->vpgid;
	}
	link_parent(child, parent);
	return &child->p;
}

static uint8_t kind_of_fd(const struct wire_exec *r, uint32_t fd)
{
	for (uint32_t i = 0; i < r->n_fds; i++)
		if (r->fds[i].fd == fd)
			return r->fds[i].kind;
	return WIRE_FD_NONE;
}

/* A task record of an image that is known already, with nothing to add. */
static bool same_image(const struct proc *p, const struct wire_exec *r, const struct proc_exec_strs *s)
{
	const struct proc_view *v = p->image ? &p->image->view : NULL;

	return v && r->hdr.kind == WIRE_TASK && (v->args_known || !s->args_len) && v->exe_ino == r->exe_ino &&
	       v->exe_dev == r->exe_dev && v->exepath.len == s->exe_path.len &&
	       (!s->exe_path.len || !memcmp(v->exepath.p, s->exe_path.p, s->exe_path.len));
}

/* By the executable's mode, for the user who runs it; what capabilities allow does not count. */
static bool exe_writable(const struct wire_exec *r)
{
	enum { OWNER_WRITES = 0200, OTHERS_WRITE = 0002 };

	return r->exe_flags & WIRE_EXE_WRITABLE ||
	       r->fields.exe_mode & (r->hdr.uid == r->exe_uid ? OWNER_WRITES : OTHERS_WRITE);
}

static void set_image(struct proc_table *t, struct entry *e, const struct wire_exec *r, const struct proc_exec_strs *s)
{
	struct image_spec spec = {
		.like = { .exepath = s->exe_path,
			  .env = t->keep_env ? s->env : (struct proc_str){ "", 0 },
			  .exe_ino = r->exe_ino,
			  .exe_dev = r->exe_dev,
			  .exe_ctime_ns = r->exe_ctime_ns,
			  .exe_mtime_ns = r->exe_mtime_ns,
			  .from_memfd = s->exe_memfd,
			  .exe_deleted = s->exe_deleted,
			  .exe_upper = r->exe_flags & WIRE_EXE_UPPER,
			  .exe_lower = r->exe_flags & WIRE_EXE_LOWER,
			  .exe_writable = exe_writable(r),
			  .script_from_memfd = script_from_memfd(t, e, r, s) },
		.comm = e->p.comm,
		.args = r->hdr.kind == WIRE_EXEC || s->args_len ? s->args : NULL,
		.args_len = s->args_len,
	};

	image_unref(&t->text, e->p.image);
	e->p.image = image_new(&t->text, &spec);
	e->p.image_id = ++t->next_image;
	new_look(&e->p);
	if (r->hdr.kind == WIRE_EXEC)
		e->p.exec_ns = r->hdr.time_ns;
	if (s->exe_memfd)
		t->memfd_dev = r->exe_dev;
	e->memfds &= ~e->memfds_cloexec;
	e->memfds_cloexec = 0;
	for (uint32_t fd = 0; fd < countof(e->p.stdio_kind); fd++)
		e->p.stdio_kind[fd] = kind_of_fd(r, fd);
}

/* Its parent as the record has it, unless a fork told before: that one may have died since. */
static void adopt(struct proc_table *t, struct entry *e, const struct wire_exec *r)
{
	struct proc_key key = { r->ppid, r->parent_start_ns };
	struct proc *parent;

	if (e->p.parent || !r->ppid)
		return;
	parent = proc_find(t, key);
	if (!parent && r->parent_start_ns) {
		struct entry *made = make(t, key, &e->p);

		parent = made ? &made->p : NULL;
	}
	if (!e->p.ppid)
		e->p.ppid = r->ppid;
	link_parent(e, parent);
}

static void set_cgroup(struct proc_table *t, struct proc *p, struct proc_str path)
{
	struct container_group *was = p->cgroup;

	if (!path.len)
		return;
	p->cgroup = container_group_get(t->containers, path.p, path.len);
	container_group_unref(t->containers, was);
	container_group_started(p->cgroup, p->key.start_ns);
}

struct proc *proc_on_exec(struct proc_table *t, const struct wire_exec *r, const struct proc_exec_strs *s)
{
	struct proc *p = proc_of(t, &r->hdr);
	struct entry *e;

	if (!p)
		return NULL;
	e = entry_of(p);
	set_comm(p, r->hdr.comm);
	adopt(t, e, r);
	if (r->hdr.kind == WIRE_TASK && r->hdr.time_ns < p->exec_ns)
		return p; /* the scan saw what the process was before */
	set_cgroup(t, p, s->cgroup);
	if (!same_image(p, r, s))
		set_image(t, e, r, s);
	p->sid = r->sid;
	e->sid_start_ns = r->sid_start_ns;
	p->loginuid = r->loginuid;
	p->tty = r->tty;
	p->vpid = r->vpid;
	p->pgid = r->pgid;
	p->vpgid = r->vpgid;
	if (s->cwd.len) {
		cwd_unref(&t->text, p->cwd);
		p->cwd = cwd_new(&t->text, s->cwd);
	}
	return p;
}

struct proc *proc_on_exit(struct proc_table *t, const struct wire_exit *r)
{
	struct proc *p = proc_of(t, &r->hdr);

	if (p)
		bury(t, entry_of(p));
	return p;
}

void proc_on_chdir(struct proc_table *t, const struct wire_hdr *h, struct proc_str cwd)
{
	struct proc *p = proc_of(t, h);

	if (!p)
		return;
	cwd_unref(&t->text, p->cwd);
	p->cwd = cwd_new(&t->text, cwd);
}

void proc_on_memfd(struct proc *p, int64_t fd, bool cloexec)
{
	struct entry *e = entry_of(p);

	if (fd < 0)
		return;
	e->made_memfd = true;
	if (fd >= MEMFD_MAX_FD)
		return;
	e->memfds |= 1ull << fd;
	if (cloexec)
		e->memfds_cloexec |= 1ull << fd;
	else
		e->memfds_cloexec &= ~(1ull << fd);
}

void proc_on_fd(struct proc *p, int64_t fd)
{
	struct entry *e = entry_of(p);

	if (fd < 0 || fd >= MEMFD_MAX_FD)
		return;
	e->memfds &= ~(1ull << fd);
	e->memfds_cloexec &= ~(1ull << fd);
}

FALLIBLE proc_set_args(struct proc_table *t, uint32_t pid, const char *args, uint32_t args_len)
{
	struct proc *p = proc_find_pid(t, pid);
	const struct proc_view *v = p && p->image ? &p->image->view : NULL;
	struct proc_image *img;
	struct image_spec s;

	if (!v)
		return E_NOT_FOUND;
	if (v->args_known)
		return E_EXISTS;
	s = (struct image_spec){
		.like = *v,
		.comm = p->comm,
		.args = args,
		.args_len = args_len < WIRE_ARGS_BYTES ? args_len : WIRE_ARGS_BYTES,
	};
	img = image_new(&t->text, &s);
	if (!img)
		return E_NOMEM;
	image_unref(&t->text, p->image);
	p->image = img;
	new_look(p);
	return E_OK;
}

const struct proc_view *proc_view(const struct proc *p)
{
	static const struct proc_view none = {
		.exepath = { "", 0 },
		.exe = { "", 0 },
		.args = { "", 0 },
		.env = { "", 0 },
		.cmdline = { "", 0 },
	};

	return p->image ? &p->image->view : &none;
}

struct proc *proc_ancestor(struct proc *p, uint32_t n)
{
	if (n > PROC_MAX_ANCESTORS)
		return NULL;
	for (; p && n; n--)
		p = p->parent;
	return p;
}

struct proc *proc_session(struct proc_table *t, const struct proc *p)
{
	uint64_t start_ns = entry_of(p)->sid_start_ns;

	if (!p->sid)
		return NULL;
	return start_ns ? proc_find(t, (struct proc_key){ p->sid, start_ns }) : proc_find_pid(t, p->sid);
}

struct proc *proc_group(struct proc_table *t, const struct proc *p)
{
	struct proc *leader = p->pgid ? proc_find_pid(t, p->pgid) : NULL;

	for (struct proc *a = p->parent; p->pgid && !leader && a; a = a->parent)
		if (a->key.pid == p->pgid)
			leader = a;
	return leader;
}

void proc_table_keep_env(struct proc_table *t, bool keep)
{
	t->keep_env = keep;
}

void proc_sweep(struct proc_table *t, uint64_t before_ns)
{
	while (!list_empty(&t->gone)) {
		struct entry *e = CONTAINER_OF(t->gone.next, struct entry, dead);

		if (e->exit_ns >= before_ns && before_ns != UINT64_MAX)
			return;
		if (e->p.refs) {
			list_del(&e->dead);
			list_add(&t->kept, &e->dead);
			e->kept = true;
		} else {
			drop(t, e);
		}
	}
}

void proc_scan_begin(struct proc_table *t)
{
	t->scan++;
	t->scanning = true;
}

uint32_t proc_scan_end(struct proc_table *t)
{
	uint32_t n = 0;

	if (!t->scanning)
		return 0;
	t->scanning = false;
	LIST_FOR (l, &t->all) {
		struct entry *e = CONTAINER_OF(l, struct entry, p.all);

		if (!e->p.alive || e->scan == t->scan)
			continue;
		bury(t, e);
		n++;
	}
	return n;
}

struct container_table *proc_containers(struct proc_table *t)
{
	return t->containers;
}

uint32_t proc_count(const struct proc_table *t)
{
	return t->n;
}

uint64_t proc_refused(const struct proc_table *t)
{
	return t->refused;
}

size_t proc_text_bytes(const struct proc_table *t)
{
	return t->text.used;
}

uint64_t proc_text_cut(const struct proc_table *t)
{
	return t->text.cut;
}
