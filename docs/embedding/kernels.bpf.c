/* SPDX-License-Identifier: Apache-2.0 */
#include <sallyport/bpf.h>

struct xdp_md {
	u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

static int one_more(u32 i, void *sum)
{
	*(u64 *)sum += i;
	return 0;
}

/* bpf_loop came with Linux 5.17. */
SEC("xdp") int sums(struct xdp_md *ctx)
{
	u64 sum = 0;

	bpf_loop(ctx->rx_queue_index, one_more, &sum, 0);
	return sum > 1000 ? 1 : 2;
}

/* No kernel takes this: a packet may be shorter. */
SEC("xdp") int trusts_packets(struct xdp_md *ctx)
{
	return *(u8 *)(u64)ctx->data == 8 ? 1 : 2;
}

struct request {
	u64 method, bytes;
};

/* For a type of ours. */
SEC("filter") int refuse_uploads(const struct request *r)
{
	return r->method == 2 && r->bytes > 1000000;
}
