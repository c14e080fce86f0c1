package fair

// Shuffle puts list, which has less than 2^32 elements, into an order of which each is equally likely: for
// i = len(list)−1, …, 1 it draws j in [0, i] and swaps the elements at i and j.
func Shuffle[T any](s *Stream, list []T) { shuffle(list, s.Intn) }

// shuffle is Shuffle with draw(n) for a value in [0, n).
func shuffle[T any](list []T, draw func(n uint32) uint32) {
	for i := len(list) - 1; i > 0; i-- {
		j := draw(uint32(i + 1))
		list[i], list[j] = list[j], list[i]
	}
}
