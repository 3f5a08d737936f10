#include "judge.h"
#pragma GCC diagnostic ignored "-Wunused-parameter"
int judge_generate(struct judge *j)
{
	return 2;
}
