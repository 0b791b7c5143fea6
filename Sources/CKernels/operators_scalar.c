#define TARGET
#define NAME(stem) stem##__scalar
#include "operators_body.h"
