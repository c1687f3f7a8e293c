/**
 * Lets the allocator know how large a block may be, before the first one comes.
 *
 * glibc gives the free end of its heap back to the system as soon as it is larger than twice the largest block that was
 * freed so far (mallopt(3), "dynamic mmap threshold"), and gets it again, page by page, for the next frame: at 1 MiB a frame
 * that was a quarter of the CPU time. After the first frame of the largest size this is over. So one block of that size is
 * taken here and left to the collector; no page of it is touched, so it costs no memory. Elsewhere than on glibc it does nothing.
 */
export function primeAllocator(largestBlockBytes: number): void {
  Buffer.allocUnsafeSlow(Math.min(largestBlockBytes, LARGEST_BLOCK_BYTES));
}

/** What glibc takes as a hint at most. */
const LARGEST_BLOCK_BYTES = 31 * 1024 * 1024;
