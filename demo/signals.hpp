// Ctrl-C: the first one asks the program to finish its files and stop, the second one ends it at once.
#pragma once

namespace cinebokeh::demo {

/// From now on SIGINT and SIGTERM only set a flag, once; a closed pipe and a file size limit become errors of the
/// write.
void catch_signals();
bool stop_requested();
/// The same as the first Ctrl-C: everything that waits for a camera or a file gives up.
void request_stop();
}  // namespace cinebokeh::demo
