#include "network_matting_impl.hpp"

template class cinebokeh::demo::NetworkMatting<cinebokeh::Cuda>;
