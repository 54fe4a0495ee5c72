// What libnsenterd.so exports. Everything else in it is hidden.
#pragma once

#if __cplusplus < 202002L
#error "nsenterd needs C++20: compile with -std=c++20 or later"
#endif

/// On every public function that is not inline, and on what is thrown.
#define NSENTERD_API [[gnu::visibility("default")]]
