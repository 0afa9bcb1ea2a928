/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rehearsal/fiber.h"
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define STACK_SIZE (1024 * 1024) /* its red zones make frames larger */
#else
#define STACK_SIZE (256 * 1024)
#endif
#define STACKS_KEPT 16

/* Two ways to switch: by hand where we know the machine, else swapcontext(), which makes a system
 * call for the signal mask each time. The sanitizer follows the latter and is told about both. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define BY_HAND 1
#else
#define BY_HAND 0
#endif

struct _RdFiber {
	void (*body)(gpointer data);
	gpointer data;
	char *stack; /* with the guard page */
	gboolean ended;
	RdFiber *resumer; /* current before us, NULL for the thread's stack */
#if BY_HAND
	void *own, *other; /* stack pointers while not running, and of who resumed */
#else
	ucontext_t own, other;
#endif
#if defined(__SANITIZE_ADDRESS__)
	void *fake, *other_fake;
	const void *other_bottom;
	size_t other_size;
#endif
};

static RdFiber *current;
static char *stacks[STACKS_KEPT]; /* mapping and guarding one costs more than most steps */
static guint n_stacks;

gsize
rd_fiber_stack_size(void)
{
	return STACK_SIZE;
}

static char *
stack_new(void)
{
	gsize guard = (gsize)sysconf(_SC_PAGESIZE);
	char *stack = NULL;

	if (n_stacks > 0)
		return stacks[--n_stacks];
	stack = mmap(NULL, STACK_SIZE + guard, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, guard, PROT_NONE) != 0)
		g_error("no memory for a fiber's stack");
	return stack;
}

static void
stack_free(char *stack)
{
	gsize guard = (gsize)sysconf(_SC_PAGESIZE);

#if defined(__SANITIZE_ADDRESS__)
	/* frames that were dropped without unwinding leave their red zones */
	ASAN_UNPOISON_MEMORY_REGION(stack + guard, STACK_SIZE);
#endif
	if (n_stacks < STACKS_KEPT)
		stacks[n_stacks++] = stack;
	else
		munmap(stack, STACK_SIZE + guard);
}

/* lowest byte that may be used */
static char *
stack_bottom(RdFiber *self)
{
	return self->stack + sysconf(_SC_PAGESIZE);
}

#if BY_HAND
/* saves what a call preserves on the stack, leaves it, and comes out on the other */
void rd_fiber_switch(void **from, void *to);
__asm__(".text\n"
	".globl rd_fiber_switch\n"
	".hidden rd_fiber_switch\n"
	".type rd_fiber_switch,@function\n"
	"rd_fiber_switch:\n"
	"	pushq %rbp\n	pushq %rbx\n	pushq %r12\n"
	"	pushq %r13\n	pushq %r14\n	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n	popq %r14\n	popq %r13\n"
	"	popq %r12\n	popq %rbx\n	popq %rbp\n"
	"	ret\n"
	".size rd_fiber_switch,.-rd_fiber_switch\n");
#endif

static void
switch_in(RdFiber *self)
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(&self->other_fake, stack_bottom(self), STACK_SIZE);
#endif
#if BY_HAND
	rd_fiber_switch(&self->other, self->own);
#else
	swapcontext(&self->other, &self->own);
#endif
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(self->other_fake, NULL, NULL);
#endif
}

static void
switch_out(RdFiber *self)
{
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_start_switch_fiber(self->ended ? NULL : &self->fake, self->other_bottom,
				       self->other_size);
#endif
#if BY_HAND
	rd_fiber_switch(&self->own, self->other);
#else
	swapcontext(&self->own, &self->other);
#endif
#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(self->fake, &self->other_bottom, &self->other_size);
#endif
}

static void
first(void)
{
	RdFiber *self = current;

#if defined(__SANITIZE_ADDRESS__)
	__sanitizer_finish_switch_fiber(NULL, &self->other_bottom, &self->other_size);
#endif
	self->body(self->data);
	self->ended = TRUE;
	switch_out(self);
	g_assert_not_reached();
}

RdFiber *
rd_fiber_new(void (*body)(gpointer data), gpointer data)
{
	RdFiber *self = g_new0(RdFiber, 1);

	self->body = body;
	self->data = data;
	self->stack = stack_new();
#if BY_HAND
	{
		/* what rd_fiber_switch() pops: six registers and where to return to; at a
		 * function's entry the stack pointer is 8 off a multiple of 16 */
		void **top = (void **)(void *)(stack_bottom(self) + STACK_SIZE);

		*--top = NULL; /* nobody to return to */
		*--top = (void *)first;
		for (guint i = 0; i < 6; i++)
			*--top = NULL;
		self->own = top;
	}
#else
	getcontext(&self->own);
	self->own.uc_stack.ss_sp = stack_bottom(self);
	self->own.uc_stack.ss_size = STACK_SIZE;
	self->own.uc_link = NULL;
	makecontext(&self->own, first, 0);
#endif
	return self;
}

gboolean
rd_fiber_resume(RdFiber *self)
{
	g_return_val_if_fail(!self->ended && self != current, FALSE);
	self->resumer = current;
	current = self;
	switch_in(self);
	current = self->resumer;
	return !self->ended;
}

void
rd_fiber_yield(void)
{
	g_return_if_fail(current != NULL);
	switch_out(current);
}

RdFiber *
rd_fiber_current(void)
{
	return current;
}

void
rd_fiber_free(RdFiber *self)
{
	if (self == NULL)
		return;
	g_return_if_fail(self != current);
	stack_free(self->stack);
	g_free(self);
}
