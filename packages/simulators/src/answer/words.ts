/** What a simulated answer is made of. Some words are of two, three and four UTF-8 bytes a character, to be cut between them. */

// biome-ignore format: a list of words reads best as running text
export const words = [
  "river", "gate", "lock", "water", "level", "stone", "bridge", "mill", "wheel", "stream", "canal", "barge", "harbour",
  "weir", "spring", "basin", "tide", "current", "flow", "bank", "delta", "ford", "pool", "rain", "valley", "over", "under",
  "beside", "before", "after", "slowly", "gently", "always", "opens", "closes", "carries", "turns", "holds", "lets", "keeps",
  "clear", "deep", "wide", "quiet", "old", "naïve", "über", "façade", "水門", "東京", "река", "🌊", "👩‍🔧",
] as const;
