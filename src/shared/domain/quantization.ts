/** What a person loses, in three words (glossary: hardly any · little · clear), and nothing for the original precision. */
export type QuantizationLoss = 'none' | 'hardly' | 'little' | 'clear'
